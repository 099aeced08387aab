import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { leanFlags } from '@millrace/cli/archive/moving'
import { rowCount, type TableDigests } from '@millrace/db/archive/digest'
import { countRows } from '@millrace/db/archive/source'
import { findDrift } from '@millrace/db/migrate/drift'
import { readiness } from '@millrace/db/store/readiness'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialects } from '../dialects.ts'
import { archiveOf, fill, verified } from './archives.ts'
import { takeOutRestoredEvent } from './restored-event.ts'
import { randomFrom } from './sample.ts'

const isLong = process.env['TEST_LONG'] === '1'
const kills = isLong ? 20 : 1
const size = { users: 8, workflows: 20, executions: isLong ? 40_000 : 7000 }
const longest = 600_000

/** `millrace …`, killed at its n-th insert; without it, run to its end. With the flags that it starts itself again for. */
async function millrace(
  args: readonly string[],
  kill?: { readonly atInsert: number; readonly afterMilliseconds: number },
) {
  const child = spawn(
    process.execPath,
    [...leanFlags, join(import.meta.dirname, 'killed-child.ts'), ...args, '--json'],
    {
      env: {
        PATH: process.env['PATH'],
        SETTINGS_KEYS: `k1:${'A'.repeat(43)}`,
        KILL_AT_INSERT: String(kill?.atInsert ?? 0),
        KILL_AFTER_MILLISECONDS: String(kill?.afterMilliseconds ?? 0),
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, string | null]
  const document =
    printed === '' ? undefined : (JSON.parse(printed) as { tables?: TableDigests; error?: { code: string } })
  return { exitCode, signal, document }
}

describeDialects((dialect) => {
  let source: ReachedDatabase
  let expected: TableDigests
  let archive: string
  let otherArchive: string

  beforeAll(async () => {
    source = await reachDatabase('sqlite')
    expected = await fill(source.database, size)
    archive = join(inject('directory'), `kill-${dialect}.millrace`)
    writeFileSync(archive, await archiveOf(source.database))
    otherArchive = `${archive}.other`
    writeFileSync(otherArchive, await archiveOf(source.database))
  }, longest)

  afterAll(() => source.stop())

  /** Cut off again and again, each time somewhere between the first row and the last. */
  async function expectResumable(
    command: readonly ['restore' | 'copy', ...string[]],
    target: ReachedDatabase,
  ): Promise<void> {
    const random = randomFrom(dialect.length)
    for (let count = 0; count < kills; count += 1) {
      const kill = {
        // The first one when rows are there already: so all are between the first row and the last.
        atInsert: count === 0 ? 3 + Math.floor(random() * 5) : 1 + Math.floor(random() * 2),
        afterMilliseconds: Math.floor(random() * 12),
      }
      const cut = await millrace(count === 0 ? command : [...command, '--resume'], kill)
      expect(cut).toEqual({ exitCode: null, signal: 'SIGKILL', document: undefined })
      await expect(readiness(target.database)).rejects.toMatchObject({ fault: 'restore_in_progress' })
      const rows = await countRows(target.database.transport())
      expect(rows).toBeGreaterThan(0)
      expect(rows).toBeLessThan(rowCount(expected))
    }
    const blunt = await millrace(command)
    expect(blunt).toMatchObject({ exitCode: 1, document: { error: { code: 'restore_in_progress' } } })
    const done = await millrace([...command, '--resume'])
    expect(done).toMatchObject({ exitCode: 0, document: { ok: true } })
    await readiness(target.database)
    expect(await verified(await archiveOf(target.database))).toMatchObject({ isWhole: true })
    await takeOutRestoredEvent(target.raw, { command: command[0], rows: rowCount(expected) })
    // The indexes of a large table are left out while rows are written.
    expect(await findDrift(target.database.transport())).toEqual([])
    expect(await verified(await archiveOf(target.database))).toMatchObject({ archive: { tables: expected } })
  }

  test(`a restore that is killed (${kills}) is resumed to the same digests`, { timeout: longest }, async () => {
    const target = await reachDatabase(dialect)
    try {
      await expectResumable(['restore', archive, '--database', target.raw.url], target)
    } finally {
      await target.stop()
    }
  })

  test(`a copy that is killed (${kills}) is resumed to the same digests`, { timeout: longest }, async () => {
    const target = await reachDatabase(dialect)
    try {
      await expectResumable(['copy', '--from', source.raw.url, '--to', target.raw.url], target)
    } finally {
      await target.stop()
    }
  })

  test(
    'a killed restore is resumed by the same archive alone, shuts the database, and is abandoned',
    { timeout: longest },
    async () => {
      const target = await reachDatabase(dialect)
      try {
        const command = ['restore', archive, '--database', target.raw.url]
        await millrace(command, { atInsert: 5, afterMilliseconds: 3 })
        // Made of the same rows at another time: another archive.
        const other = await millrace(['restore', otherArchive, '--database', target.raw.url, '--resume'])
        expect(other).toMatchObject({ exitCode: 1, document: { error: { code: 'restore_in_progress' } } })
        const out = `${archive}.never`
        const database = ['--database', target.raw.url]
        for (const args of [
          ['backup', '--out', out, ...database],
          ['migrate', ...database],
          ['migrate', '--dry-run', ...database],
          ['keys', 'rotate', ...database],
          ['drill', archive, ...database],
          ['copy', '--from', target.raw.url, '--to', `sqlite:///${out}`],
        ]) {
          const refused = await millrace(args)
          expect(refused, args.join(' ')).toMatchObject({
            exitCode: 1,
            document: { error: { code: 'restore_in_progress' } },
          })
        }
        expect(existsSync(out)).toBe(false)
        expect(await millrace(['migrate', 'status', '--database', target.raw.url])).toMatchObject({ exitCode: 0 })
        expect(await millrace(['restore', '--abandon', '--database', target.raw.url])).toMatchObject({ exitCode: 0 })
        expect(await target.raw.query('select id from users')).toEqual([])
        await readiness(target.database)
        expect(await millrace(['restore', '--abandon', '--database', target.raw.url])).toMatchObject({ exitCode: 1 })
      } finally {
        await target.stop()
      }
    },
  )
})
