import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createProgram } from '@millrace/cli/program'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { looseRows, makeLooseDatabase } from '../adoption/engine.ts'
import { freshDatabase, type TestDatabase } from '../dialects.ts'
import { readPage } from '../docs/markdown.ts'
import { drawn, drawnFrom, isSampled } from '../sampling.ts'
import { digestsOf, filledDatabase, places, startD1World, succeed, type D1World, type Place } from './d1-world.ts'
import { documentOf, millrace, startMillrace } from './millrace.ts'

/* The table of docs/databases.md that says which command runs on which D1: each of its cells is run. */

// Each command on a local D1 starts wrangler, which starts workerd.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

type Answer = 'yes' | 'refused' | 'not used'

interface Row {
  readonly command: string
  readonly local: Answer
  readonly deployed: Answer
}

interface Ground {
  readonly world: D1World
  readonly place: Place
  /** A D1 database that holds what `source` holds. */
  readonly url: string
  readonly source: TestDatabase
  /** What both of them hold, table by table. */
  readonly digests: unknown
  readonly run: (args: readonly string[], input?: string) => ReturnType<typeof succeed>
}

/** What shows that a command does its work on a D1 database. Each makes what it needs beside the ground's own rows. */
const works: Readonly<Record<string, (ground: Ground) => Promise<void>>> = {
  async migrate({ world, run }) {
    const url = await world.fresh()
    const migrated = documentOf(await run(['migrate', '--database', url]))
    expect(migrated).toMatchObject({ applied: expect.arrayContaining([expect.stringMatching(/^0001_/)]) })
    expect(documentOf(await run(['migrate', '--database', url]))).toEqual({ applied: [] })
  },
  async 'migrate status'({ url, run }) {
    const status = documentOf(await run(['migrate', 'status', '--database', url]))
    expect(status).toMatchObject({ pending: [], changed: [], newer: [] })
  },
  async status({ url, run }) {
    const status = documentOf(await run(['status', '--dev', '--database', url]))
    expect(status).toMatchObject({ ok: true, dialect: 'sqlite', pendingMigrations: [], executions: { pending: 0 } })
  },
  async doctor({ url, run }) {
    const { findings } = documentOf(await run(['doctor', '--dev', '--database', url])) as {
      findings: readonly { readonly id: string; readonly level: string }[]
    }
    const levels = Object.fromEntries(findings.map(({ id, level }) => [id, level]))
    const checked = ['reachable', 'auth', 'database.exists', 'schema.table', 'schema.column', 'schema.index', 'clock']
    for (const id of [...checked, 'schema.foreign_key', 'restore.unfinished', 'rows.stale']) {
      expect(levels, id).toMatchObject({ [id]: 'ok' })
    }
  },
  async user({ place, url, run }) {
    const on = ['--database', url]
    await run(['user', 'add', 'bob', '--email', 'bob@example.com', ...on], 'correct horse\n')
    const changes = [
      ['password', 'bob'],
      ['disable', 'bob'],
      ['enable', 'bob'],
      ['role', 'bob', 'admin'],
    ]
    for (const change of drawnFrom(changes, place === 'local' ? 1 : changes.length, 'changes of a user')) {
      await run(['user', ...change, ...on], 'battery staple\n')
    }
    expect((await run(['user', 'list', ...on])).stdout).toContain('"bob"')
    await run(['user', 'remove', 'bob', ...on])
    expect((await run(['user', 'list', ...on])).stdout).not.toContain('"bob"')
  },
  async 'api-key'({ url, run }) {
    const on = ['--database', url]
    const made = documentOf(await run(['api-key', 'new', 'ci', '--owner', 'ada', '--scopes', 'read', ...on]))
    const { id, key } = made as { id: string; key: string }
    expect(key).toMatch(/^mr_/)
    expect((await run(['api-key', 'list', ...on])).stdout).toContain(id)
    await run(['api-key', 'remove', id, ...on])
    expect((await run(['api-key', 'list', ...on])).stdout).not.toContain(id)
  },
  async import({ world, source, run }) {
    const url = await world.fresh()
    await run(['copy', '--from', source.url, '--to', url])
    const texts = largeAndMany()
    writeFiles(join(world.cwd, 'flows'), texts)
    const { imported } = documentOf(await run(['import', 'flows', '--owner', 'ada', '--database', url])) as {
      imported: readonly { readonly id: string; readonly file: string }[]
    }
    expect(imported).toHaveLength(texts.size)
    const wanted = imported.filter(({ file }) => /large|small0/.test(file))
    const chosen = wanted.flatMap(({ id }) => ['--workflow', id])
    await run(['export', 'imported', ...chosen, '--database', url])
    for (const { file } of wanted) expectSameFile(world, file, file.replace('flows/', 'imported/'))
  },
  async export({ world, url, run }) {
    const { exported } = documentOf(await run(['export', 'exported', '--owner', 'ada', '--database', url])) as {
      exported: readonly { readonly file: string; readonly id: string }[]
    }
    expect(exported).toHaveLength(30)
    const large = exported.find(({ id }) => id === 'w7')
    expect(readFileSync(join(world.cwd, large?.file ?? ''), 'utf8')).toHaveLength(
      '{"n":7,"text":""}'.length + 1_880_000,
    )
  },
  async backup({ world, url, digests, run }) {
    const file = join(world.cwd, 'taken.millrace')
    expect(digestsOf(await run(['backup', '--out', file, '--database', url]))).toEqual(digests)
    expect(digestsOf(await run(['verify', file]))).toEqual(digests)
    const { lastBackup } = documentOf(await run(['status', '--dev', '--database', url])) as { lastBackup: object }
    expect(lastBackup).toMatchObject({ result: 'ok', verifiedAt: expect.any(String) })
  },
  async restore({ world, source, digests, run }) {
    const file = join(world.cwd, 'restored.millrace')
    await run(['backup', '--out', file, '--database', source.url])
    const url = await world.fresh()
    expect(digestsOf(await run(['restore', file, '--database', url]))).toEqual(digests)
    const again = await millrace(['restore', file, '--database', url, '--json'], world)
    expect(again.exitCode).toBe(1)
    expect(documentOf(again)).toMatchObject({ error: { code: 'not_empty' } })
  },
  async drill({ world, source, url, run }) {
    const file = join(world.cwd, 'drilled.millrace')
    await run(['backup', '--out', file, '--database', source.url])
    expect(documentOf(await run(['drill', file, '--database', url]))).toMatchObject({ ok: true, problems: [] })
  },
  async copy({ url, digests, run }) {
    const back = await freshDatabase('sqlite')
    onTestFinished(() => back.drop())
    expect(digestsOf(await run(['copy', '--from', url, '--to', back.url]))).toEqual(digests)
  },
  async 'legacy import'({ world, run }) {
    const url = await adoptLoose({ world, run })
    const { items } = documentOf(await run(['user', 'list', '--database', url])) as { items: readonly unknown[] }
    expect(items).toHaveLength(sound('users'))
  },
  async 'keys rotate'({ world, run }) {
    const url = await adoptLoose({ world, run }, 'old')
    const env = { ...world.env, SETTINGS_KEYS: `${keyNamed('new')},${keyNamed('old')}` }
    const rotated = await succeed({ ...world, env }, ['keys', 'rotate', '--database', url])
    expect(documentOf(rotated)).toEqual({ resealed: 2, total: 2 })
  },
  async dev({ world }) {
    const url = await world.fresh()
    const dev = startMillrace(['dev', '--port', '0', '--database', url, '--json'], world)
    await vi.waitFor(() => expect(dev.stdout(), dev.stderr()).toContain('\n'), { timeout: 120_000, interval: 100 })
    const ready = documentOf({ stdout: dev.stdout() }) as { url: string; gatewayUrl: string | null }
    expect(ready.gatewayUrl).toBeNull()
    expect((await fetch(`${ready.url}/readyz`)).status).toBe(200)
    dev.process.kill('SIGINT')
    expect(await dev.ended).toMatchObject({ exitCode: 130 })
  },
}

/** What a refused command has beside the database's URL. */
const refusedArguments: Readonly<Record<string, readonly string[]>> = { serve: [], gateway: [], dev: ['--port', '0'] }

/** Run by test/deploy/d1.test.ts, from nothing to a working API. */
const shownElsewhere: ReadonlySet<string> = new Set(['deploy'])

test('the table has each command once, and one that takes no database is not used', () => {
  const rows = tableOfPage()
  const names = rows.map(({ command }) => command.split(' ')[0] ?? '')
  expect(new Set(names)).toEqual(new Set([...commandNames(), 'legacy']))
  expect(new Set(rows.map(({ command }) => command)).size).toBe(rows.length)
  const unused = rows.filter(({ local, deployed }) => local === 'not used' && deployed === 'not used')
  expect(unused.map(({ command }) => command).toSorted()).toEqual(commandsWithoutDatabase())
})

describe.for(isSampled ? [places[drawn('place of the commands', 2)] ?? places[0]] : places)('%s', (place) => {
  const cells = tableOfPage().filter(({ command }) => !shownElsewhere.has(command))
  const refused = cells.filter((row) => row[place] === 'refused')
  const working = cells.filter((row) => row[place] === 'yes')
  const looked = drawnFrom(working, place === 'local' ? 1 : 3, `commands on a ${place} D1`)

  let ground: Ground
  beforeAll(async () => {
    const world = await startD1World(place)
    const run: Ground['run'] = (args, input) => succeed(world, args, input)
    const source = await filledDatabase(world)
    const url = await world.fresh()
    const digests = digestsOf(await run(['copy', '--from', source.url, '--to', url]))
    ground = { world, place, url, source, digests, run }
  })
  afterAll(async () => {
    await ground.source.drop()
    await ground.world.stop()
  })

  test.for(looked.map(({ command }) => command))('%s does its work', async (command) => {
    expect(works).toHaveProperty([command])
    await works[command]?.(ground)
  })

  test.for(refused.map(({ command }) => command))('%s is refused with cause and fix', async (command) => {
    const { world, url } = ground
    const args = [command, ...(refusedArguments[command] ?? []), '--database', url, '--json']
    const ended = await millrace(args, world)
    expect(ended.exitCode, ended.stdout).toBe(2)
    expect(documentOf(ended)).toMatchObject({
      error: { why: expect.stringContaining('d1://'), fix: expect.any(String) },
    })
  })
})

function tableOfPage(): readonly Row[] {
  const [, section = ''] = /^#### Commands on D1$(.*?)^#/ms.exec(readPage('docs/databases.md').prose) ?? []
  const rows = [...section.matchAll(/^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|.*\|$/gm)].slice(1)
  return rows.flatMap(([, names = '', local = '', deployed = '']) =>
    names.split(',').map((name) => ({
      // Without the marks of code and of a link.
      command: name
        .replace(/\(.*\)/, '')
        .replaceAll(/[`[\]]/g, '')
        .trim(),
      local: answerOf(local),
      deployed: answerOf(deployed),
    })),
  )
}

function answerOf(cell: string): Answer {
  const found = (['yes', 'refused', 'not used'] as const).find((answer) => cell.trim() === answer)
  if (found === undefined) throw new Error(`the table says ${cell}`)
  return found
}

const silent = { write: () => true }
const program = createProgram({ streams: { stdout: silent, stderr: silent }, isJson: false, run: async () => {} })

function commandNames(): readonly string[] {
  return program.commands.map((command) => command.name()).filter((name) => name !== 'help')
}

/** Of a group the commands in it take the database. */
function commandsWithoutDatabase(): readonly string[] {
  const takes = ({ options, commands }: (typeof program.commands)[number]): boolean =>
    options.some(({ long }) => long === '--database' || long === '--from') || commands.some(takes)
  const without = program.commands.filter((command) => command.name() !== 'help' && !takes(command))
  return without.map((command) => command.name()).toSorted()
}

const keys = new Map<string, string>()

function keyNamed(name: string): string {
  const key = keys.get(name) ?? `${name}:${randomBytes(32).toString('base64url')}`
  keys.set(name, key)
  return key
}

const sound = (table: string) =>
  looseRows('sqlite').filter((row) => row.table === table && row.reasons.length === 0).length

/** Adopts a database that a Python engine left, with every kind of bad row, into a D1 of its own. Gives its URL. */
async function adoptLoose({ world, run }: Pick<Ground, 'world' | 'run'>, key = 'first'): Promise<string> {
  const source = await freshDatabase('sqlite')
  onTestFinished(() => source.drop())
  await makeLooseDatabase(source)
  const url = await world.fresh()
  const settled = { ...world, env: { ...world.env, SETTINGS_KEYS: keyNamed(key) } }
  const refused = await millrace(['copy', '--from', source.url, '--to', url, '--json'], settled)
  expect(refused.exitCode).toBe(1)
  const pending = await millrace(['migrate', 'status', '--database', url, '--json'], world)
  expect(documentOf(pending), 'nothing was written').toMatchObject({ applied: [] })
  const file = join(world.cwd, `${key}.ndjson`)
  const args = ['copy', '--from', source.url, '--to', url, '--quarantine', file]
  const adopted = documentOf(await succeed(settled, args)) as {
    tables: Readonly<Record<string, { read: number; written: number; quarantined: number }>>
  }
  for (const table of ['users', 'settings', 'workflows', 'workflow_versions', 'workflow_shares', 'executions']) {
    const { read = 0, written, quarantined = 0 } = adopted.tables[table] ?? {}
    expect(written, table).toBe(sound(table))
    expect(read - quarantined, table).toBe(written)
  }
  const bad = looseRows('sqlite').filter(({ reasons }) => reasons.length > 0)
  expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(bad.length)
  expect(digestsOf(await run(['backup', '--out', `${file}.millrace`, '--database', url]))).toBeDefined()
  return url
}

/** More small files than go into one batch, and more large ones than go into one statement. */
function largeAndMany(): ReadonlyMap<string, string> {
  const texts = new Map<string, string>()
  for (let count = 0; count < 2; count += 1) {
    texts.set(`large${count}.json`, `{"name":"large${count}","text":"${String.raw`\"`.repeat(949_950)}"}`)
  }
  for (let count = 0; count < 120; count += 1) {
    texts.set(`small${count}.json`, `{ "name":"small${count}", "text": "${String.raw`\"`.repeat(4000)}" }`)
  }
  return texts
}

function writeFiles(directory: string, texts: ReadonlyMap<string, string>): void {
  mkdirSync(directory)
  for (const [name, text] of texts) writeFileSync(join(directory, name), text)
}

function expectSameFile({ cwd }: D1World, one: string, other: string): void {
  expect(existsSync(join(cwd, other)), other).toBe(true)
  expect(readFileSync(join(cwd, one)).equals(readFileSync(join(cwd, other))), one).toBe(true)
}
