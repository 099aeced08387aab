import type { TableDigests } from '@millrace/db/archive/digest'
import { abandonRestore } from '@millrace/db/archive/load'
import { countRows } from '@millrace/db/archive/source'
import type { CopyOutcome } from '@millrace/db/sql/loading'
import type { Database } from '@millrace/db/store/database'
import { SqliteConnection } from '@millrace/drivers/native/sqlite-connection'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { fill } from './archives.ts'
import { filledDatabase, moveRows, NativeDatabases, type Filled, type Moving } from './native-databases.ts'

/** From a file into a file, SQLite copies rows by itself: those of the snapshot, whoever writes to the source meanwhile. */

const size = { users: 4, workflows: 8, executions: 800 }

describeDialectsByTest((dialect) => {
  const databases = new NativeDatabases()
  const { raw } = databases
  let filled: Filled
  let source: Database
  let target: Database
  let before: TableDigests

  beforeAll(async () => {
    filled = await filledDatabase(dialect, size)
  })

  beforeEach(async () => {
    source = await databases.openFilled(filled)
    target = await databases.open(dialect)
    before = filled.digests
  })

  afterEach(() => databases.drop())

  /** What became of the pages that the driver was asked to copy by itself. */
  async function move(moving: Moving = {}): Promise<readonly CopyOutcome[]> {
    const outcomes: CopyOutcome[] = []
    expect(await moveRows(source, noting(target, outcomes), moving)).toEqual(before)
    return outcomes
  }

  const ofFiles = (outcomes: readonly CopyOutcome[]) => (dialect === 'sqlite' ? outcomes : [])

  test('what arrives is what the source holds', async () => {
    const outcomes = await move()
    expect(outcomes.length > 5).toBe(dialect === 'sqlite')
    expect(outcomes).toEqual(ofFiles(outcomes.map(() => 'copied')))
  })

  test('what is committed to the source between the snapshot and the first page does not arrive', async () => {
    const outcomes = await move({ first: () => change('first') })
    expect(outcomes).toEqual(ofFiles(outcomes.map(() => 'other_rows')))
  })

  test('what is committed to the source between two pages does not arrive', async () => {
    let pages = 0
    const outcomes = await move({
      page: async ({ table }) => {
        if (table.name === 'executions') pages += 1
        if (table.name === 'executions' && pages === 2) await change('third')
      },
    })
    expect(new Set(outcomes)).toEqual(new Set(ofFiles(['copied', 'other_rows'])))
    expect(outcomes.lastIndexOf('copied')).toBeLessThan(outcomes.length)
    expect(outcomes.slice(outcomes.indexOf('other_rows'))).not.toContain('copied')
  })

  test('who was abandoned meanwhile copies no other row', async () => {
    let isAbandoned = false
    const moving = move({
      page: async ({ table }) => {
        if (table.name !== 'execution_history' || isAbandoned) return
        isAbandoned = true
        await abandonRestore(target)
      },
    })
    await expect(moving).rejects.toMatchObject({ fault: 'taken_over' })
    expect(await countRows(target.transport())).toBe(0)
  })

  if (dialect === 'sqlite') {
    test('a writer that waits for the end of the snapshot stops nobody', async () => {
      source = await databases.open(dialect, { onlyReads: true })
      await fill(source, size)
      const path = new URL(raw.at(-1)?.url.replace(/^[^:]+/, 'file') ?? '').pathname
      const writer = SqliteConnection.open(path)
      try {
        expect(writer.run('pragma journal_mode', []).rows).toEqual([['delete']])
        const outcomes = await move({
          first: () => {
            writer.command('begin immediate')
            writer.run("update workflows set name = 'changed'", [])
            // It has the lock that lets no other reader in, and waits for those that are there.
            expect(() => writer.command('commit')).toThrow(expect.objectContaining({ code: 'SQLITE_BUSY' }))
            return Promise.resolve()
          },
        })
        expect(new Set(outcomes)).toEqual(new Set(['other_rows']))
      } finally {
        writer.rollBack()
        await writer.close()
      }
    })
  }

  async function change(word: string): Promise<void> {
    await raw[0]?.query(`update executions set state = '{"${word}":true}'`)
  }
})

function noting(database: Database, outcomes: CopyOutcome[]): Database {
  return {
    ...database,
    async load(from) {
      const loading = await database.load(from)
      const copy = loading?.copy?.bind(loading)
      if (loading === undefined || copy === undefined) return loading
      return {
        ...loading,
        async copy(guard, range) {
          const outcome = await copy(guard, range)
          outcomes.push(outcome)
          return outcome
        },
      }
    },
  }
}
