import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { describe, expect, inject, test } from 'vitest'
import { workspaceRoot } from './workspace.ts'

const drivers = ['libsql', 'd1', 'neon', 'planetscale', 'hyperdrive/postgres', 'hyperdrive/mysql'] as const
type Driver = (typeof drivers)[number]

/** What an isolate of each driver may load before it answers its first request, gzipped. */
const mostKibibytes: Readonly<Record<Driver, number>> = {
  libsql: 225,
  d1: 215,
  neon: 255,
  planetscale: 215,
  'hyperdrive/postgres': 240,
  'hyperdrive/mysql': 320,
}
/** How much more CPU time an isolate may take to load than work that never changes (test/start-up.ts). */
const mostOfUnchangingWork = 3

/** Of what is loaded for a backup, and a little for the schedule and the checklist. */
const mostLazyKibibytes = 160

/** Words of each driver's library, and of no other. */
const driverWords: Readonly<Record<Driver, string>> = {
  libsql: 'LibsqlError',
  d1: 'D1_TYPE_ERROR',
  neon: 'Neon-Connection-String',
  planetscale: 'psdb.v1alpha1.Database',
  'hyperdrive/postgres': 'not supported in pipeline mode',
  'hyperdrive/mysql': 'PROTOCOL_CONNECTION_LOST',
}

let examined: ReturnType<typeof examine> | undefined

/** The Worker's modules as wrangler deploys them. */
function deployed() {
  return (examined ??= examine())
}

async function examine() {
  const worker = inject('worker')
  if ('failed' in worker) throw new Error(worker.failed)
  const [entry] = worker.modules
  const { metafile } = await build({
    entryPoints: [entry],
    absWorkingDir: dirname(entry),
    bundle: true,
    splitting: true,
    format: 'esm',
    outdir: dirname(entry),
    write: false,
    external: ['node:*', 'cloudflare:*'],
    metafile: true,
  })
  const texts = new Map(worker.modules.map((path) => [basename(path), readFileSync(path, 'utf8')]))
  const importsOf = (name: string, kind: 'import-statement' | 'dynamic-import') =>
    (metafile.inputs[name]?.imports ?? []).filter((imported) => imported.kind === kind).map(({ path }) => path)
  /** A module, and all that it imports by statements. */
  function loadedWith(...names: readonly string[]): ReadonlySet<string> {
    const loaded = new Set<string>()
    const follow = (name: string): void => {
      if (loaded.has(name)) return
      loaded.add(name)
      importsOf(name, 'import-statement').forEach(follow)
    }
    names.forEach(follow)
    return loaded
  }
  const textOf = (names: Iterable<string>) => [...names].map((name) => texts.get(name) ?? '').join('\n')
  const atStart = loadedWith(basename(entry))
  const loadedLater = [...new Set([...atStart].flatMap((name) => importsOf(name, 'dynamic-import')))]
  const connectorOf = new Map(
    drivers.map((driver) => {
      const own = loadedLater.filter((name) => textOf(loadedWith(name)).includes(driverWords[driver]))
      if (own.length !== 1) throw new Error(`${own.length} modules load the driver ${driver}`)
      return [driver, own]
    }),
  )
  /** What an isolate loads for its first request when its URL asks for the driver. */
  function loadedFor(driver: Driver): string {
    return textOf(new Set([...atStart, ...loadedWith(...(connectorOf.get(driver) ?? []))]))
  }
  /** The modules by whose import all of that is loaded. */
  const entriesFor = (driver: Driver) =>
    [basename(entry), ...(connectorOf.get(driver) ?? [])].map((name) => join(dirname(entry), name))
  const always = new Set([...atStart, ...loadedWith(...[...connectorOf.values()].flat())])
  return { loadedFor, entriesFor, whenNeeded: textOf([...texts.keys()].filter((name) => !always.has(name))) }
}

/** CPU time of a fresh process for these modules, the less of two: other work adds to it, and nothing takes away. */
async function startUpOf(entries: readonly string[]): Promise<{ readonly load: number; readonly ratio: number }> {
  const script = join(workspaceRoot, 'test/start-up.ts')
  const measured: { readonly load: number; readonly ratio: number }[] = []
  for (let turn = 0; turn < 2; turn += 1) {
    const { stdout } = await promisify(execFile)(process.execPath, [script, ...entries])
    // What the script has written.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const { load, floor } = JSON.parse(stdout) as { readonly load: number; readonly floor: number }
    measured.push({ load, ratio: load / floor })
  }
  return {
    load: Math.min(...measured.map(({ load }) => load)),
    ratio: Math.min(...measured.map(({ ratio }) => ratio)),
  }
}

/** As wrangler tells the size of an upload: all of it gzipped as one. */
function kibibytesOf(text: string): number {
  return gzipSync(text).length / 1024
}

describe.each(drivers)('an isolate with the driver %s', (driver) => {
  test(`loads at most ${mostKibibytes[driver]} KiB gzipped before it answers`, async (context) => {
    const { loadedFor } = await deployed()
    const size = kibibytesOf(loadedFor(driver))
    const told = `${driver}: ${size.toFixed(1)} KiB gzipped`
    await context.annotate(told)
    process.stdout.write(`An isolate loads: ${told}\n`)
    expect(size).toBeLessThanOrEqual(mostKibibytes[driver])
  })

  test('takes a bounded CPU time to load', async (context) => {
    const { entriesFor } = await deployed()
    const { load, ratio } = await startUpOf(entriesFor(driver))
    const told = `${driver}: ${load.toFixed(0)} ms of CPU time, ${ratio.toFixed(2)} of the unchanging work`
    await context.annotate(told)
    process.stdout.write(`An isolate starts: ${told}\n`)
    expect(ratio).toBeLessThanOrEqual(mostOfUnchangingWork)
  })

  test('loads no other driver, and nothing of what only a backup needs', async () => {
    const { loadedFor } = await deployed()
    const loaded = loadedFor(driver)
    for (const other of drivers) {
      if (other !== driver) expect(loaded).not.toContain(driverWords[other])
    }
    expect(loaded).not.toContain('age-encryption.org/v1')
  })
})

test('what is loaded only when needed has age in it, and a bounded size', async () => {
  const { whenNeeded } = await deployed()
  const size = kibibytesOf(whenNeeded)
  process.stdout.write(`When needed: ${size.toFixed(1)} KiB gzipped\n`)
  expect(size).toBeLessThanOrEqual(mostLazyKibibytes)
  expect(whenNeeded).toContain('age-encryption.org/v1')
})
