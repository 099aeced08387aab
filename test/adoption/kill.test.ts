import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readiness } from '@millrace/db/store/readiness'
import { expect, inject, test } from 'vitest'
import { reachDatabase } from '../database.ts'
import { freshDatabase } from '../dialects.ts'
import { copied, type CopyDocument } from './copying.ts'
import { looseRows, makeLooseDatabase } from './engine.ts'

const longest = 600_000
const keys = { SETTINGS_KEYS: `test:${randomBytes(32).toString('base64url')}` }

/** Rows wait in the scratch database first: an insert for each of the six tables, and one for each thing found out. */
const insertsBefore = 8

/** `millrace …`, killed at its n-th insert; 0 lets it run to its end. */
async function millrace(args: readonly string[], killAtInsert: number) {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../archive/killed-child.ts'), ...args, '--json'], {
    env: { PATH: process.env['PATH'], KILL_AT_INSERT: String(killAtInsert), KILL_AFTER_MILLISECONDS: '5', ...keys },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { exitCode, signal, document: printed === '' ? undefined : (JSON.parse(printed) as CopyDocument) }
}

test(
  'a killed adoption is resumed to the same rows, beside the quarantine that it wrote and no other',
  { timeout: longest },
  async () => {
    const source = await freshDatabase('sqlite')
    const target = await reachDatabase('sqlite')
    try {
      await makeLooseDatabase(source)
      const quarantine = join(inject('directory'), `killed-${randomBytes(6).toString('hex')}.ndjson`)
      const command = ['copy', '--from', source.url, '--to', target.raw.url, '--quarantine', quarantine]
      expect(await millrace(command, insertsBefore + 3)).toMatchObject({ signal: 'SIGKILL' })
      await expect(readiness(target.database)).rejects.toMatchObject({ fault: 'restore_in_progress' })
      // No row is adopted before the others are safe.
      const aside = readFileSync(quarantine, 'utf8')
      expect(aside.trimEnd().split('\n')).toHaveLength(
        looseRows('sqlite').filter(({ reasons }) => reasons.length > 0).length,
      )

      await source.query("update executions set status = 'odd' where id = 'e1'")
      const changed = await copied({ from: source.url, to: target.raw.url, quarantine, resume: true }, keys)
      expect(changed).toMatchObject({ exitCode: 2, document: { error: { code: 'file_exists' } } })
      await source.query("update executions set status = 'completed' where id = 'e1'")

      const done = await millrace([...command, '--resume'], 0)
      expect(done.document?.error).toBeUndefined()
      expect(done).toMatchObject({ exitCode: 0, document: { ok: true } })
      expect(readFileSync(quarantine, 'utf8')).toBe(aside)
      await readiness(target.database)
      expect(await target.raw.query('select id from settings')).toHaveLength(2)
      const leftovers = readdirSync(tmpdir()).filter((name) => name.startsWith('millrace-adoption-'))
      expect(leftovers.filter((name) => !existsSync(join('/proc', name.split('-')[2] ?? '')))).toEqual([])
    } finally {
      await target.stop()
      await source.drop()
    }
  },
)
