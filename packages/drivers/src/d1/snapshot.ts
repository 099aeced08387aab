import { DatabaseError } from '@millrace/db/sql/errors'
import type { Snapshot } from '@millrace/db/sql/snapshot'
import type { RawResult, Statement } from '@millrace/db/sql/statement'
import type { Transport } from '@millrace/db/sql/transport'
import { d1Dialect } from './dialect.ts'

/**
 * Reads of one moment, as far as D1 has such: a transaction there is one batch, and ends with its answer. So each
 * statement is kept with a digest of what it gave, and all are run again at the end. What gave the same both times was
 * the same in between, and so all of it was there at once, between the last first reading and the first second one.
 */
export function openWatchedSnapshot(transport: Transport): Snapshot {
  const seen: { readonly statement: Statement; readonly digest: string }[] = []
  return {
    dialect: d1Dialect,
    async run(statement) {
      const result = await transport.run(statement)
      seen.push({ statement, digest: await digestOf(result) })
      return result
    },
    async confirm() {
      for (const { statement, digest } of seen) {
        if ((await digestOf(await transport.run(statement))) !== digest) throw writtenMeanwhile()
      }
    },
    close: () => Promise.resolve(),
  }
}

async function digestOf({ rows }: RawResult): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(rows)))
  return new Uint8Array(digest).join(' ')
}

function writtenMeanwhile(): DatabaseError {
  return new DatabaseError('database_busy', {
    message: 'D1: the database was written to while it was read, and D1 has no transaction to read one moment in',
    fix: 'Run it again while less is written, or take a backup with `--consistency table`. D1 goes back to any moment of the last 30 days with `wrangler d1 time-travel`.',
    isNotApplied: true,
  })
}
