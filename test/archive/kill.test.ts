import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { leanFlags } from '@millrace/cli/archive/lean'
import { asFailure } from '@millrace/cli/failure'
import { createLifetime } from '@millrace/cli/lifetime'
import { createOutput } from '@millrace/cli/output'
import { createProgram } from '@millrace/cli/program'
import { rowCount, type TableDigests } from '@millrace/db/archive/digest'
import { countRows } from '@millrace/db/archive/source'
import { findDrift } from '@millrace/db/migrate/drift'
import { readiness } from '@millrace/db/store/readiness'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { isLong } from '../sampling.ts'
import { workspaceRoot } from '../workspace.ts'
import { archiveOf, fill, verified } from './archives.ts'
import { takeOutRestoredEvent } from './restored-event.ts'
import { randomFrom } from './sample.ts'

const kills = isLong ? 20 : 1
const size = { users: 8, workflows: 20, executions: isLong ? 40_000 : 3000 }
const longest = 600_000

const commands = ['restore', 'copy'] as const
type Command = (typeof commands)[number]

const environment = { PATH: process.env['PATH'] ?? '', SETTINGS_KEYS: `k1:${'A'.repeat(43)}` }

interface Outcome {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly document: { readonly tables?: TableDigests; readonly error?: { readonly code: string } } | undefined
}

/** `millrace …`, killed at its n-th insert. With the flags that it starts itself again for. */
async function killed(
  args: readonly string[],
  kill: { readonly atInsert: number; readonly afterMilliseconds: number },
): Promise<Outcome> {
  const child = spawn(
    process.execPath,
    [...leanFlags, join(import.meta.dirname, 'killed-child.ts'), ...args, '--json'],
    {
      env: {
        ...environment,
        KILL_AT_INSERT: String(kill.atInsert),
        KILL_AFTER_MILLISECONDS: String(kill.afterMilliseconds),
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { exitCode, signal, document: readDocument(printed) }
}

function readDocument(printed: string): Outcome['document'] {
  return printed === '' ? undefined : (JSON.parse(printed) as Outcome['document'])
}

/** `millrace …` run to its end, in this process. */
async function millrace(args: readonly string[]): Promise<Outcome> {
  let printed = ''
  const streams = { stdout: { write: (text: string) => (printed += text) }, stderr: { write: () => undefined } }
  const output = createOutput(streams, true)
  const lifetime = createLifetime()
  const directories = { caller: workspaceRoot, workspace: workspaceRoot }
  let exitCode = -1
  const program = createProgram({
    streams,
    isJson: true,
    run: async (work) => {
      exitCode = await lifetime.run(() => work({ output, lifetime, directories, environment: () => environment }))
    },
  })
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (thrown) {
    const failure = asFailure(thrown)
    output.failure(failure)
    exitCode = failure.exitCode
  }
  return { exitCode, signal: null, document: readDocument(printed) }
}

let source: ReachedDatabase
let expected: TableDigests
let archive: string
let otherArchive: string

beforeAll(async () => {
  // Commands that move rows start their process again with these, unless it has them.
  process.execArgv.push(...leanFlags)
  source = await reachDatabase('sqlite')
  expected = await fill(source.database, size)
  archive = join(inject('directory'), 'kill.millrace')
  writeFileSync(archive, await archiveOf(source.database))
  otherArchive = `${archive}.other`
  writeFileSync(otherArchive, await archiveOf(source.database))
}, longest)

afterAll(async () => {
  process.execArgv.splice(-leanFlags.length)
  await source.stop()
})

describeDialectsByTest((dialect) => {
  /** Cut off again and again, each time somewhere between the first row and the last. */
  async function expectResumable(command: readonly [Command, ...string[]], target: ReachedDatabase): Promise<void> {
    const random = randomFrom(dialect.length)
    for (let count = 0; count < kills; count += 1) {
      const kill = {
        // The first one when rows are there already: so all are between the first row and the last.
        atInsert: count === 0 ? 3 + Math.floor(random() * 5) : 1 + Math.floor(random() * 2),
        afterMilliseconds: Math.floor(random() * 12),
      }
      const cut = await killed(count === 0 ? command : [...command, '--resume'], kill)
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

  test.each(commands)(
    `a %s that is killed (${kills}) is resumed to the same digests`,
    { timeout: longest },
    async (command) => {
      const target = await reachDatabase(dialect)
      try {
        const args =
          command === 'restore'
            ? [archive, '--database', target.raw.url]
            : ['--from', source.raw.url, '--to', target.raw.url]
        await expectResumable([command, ...args], target)
      } finally {
        await target.stop()
      }
    },
  )

  test(`a copy from its own kind that is killed (${kills}) is resumed as well`, { timeout: longest }, async () => {
    const own = await reachDatabase(dialect)
    const target = await reachDatabase(dialect)
    try {
      expect(await fill(own.database, size)).toEqual(expected)
      await expectResumable(['copy', '--from', own.raw.url, '--to', target.raw.url], target)
    } finally {
      await own.stop()
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
        await killed(command, { atInsert: 5, afterMilliseconds: 3 })
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
