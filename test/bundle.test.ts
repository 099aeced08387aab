import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { describe, expect, inject, test } from 'vitest'
import { dialects, type Dialect } from './dialects.ts'

/** What an isolate of each dialect may load before it answers its first request, gzipped. */
const mostKibibytes: Readonly<Record<Dialect, number>> = { sqlite: 225, postgres: 255, mysql: 215 }
/** Of what is loaded for a backup, and a little for the schedule and the checklist. */
const mostLazyKibibytes = 160

/** Words of each dialect's driver, and of no other. */
const driverWords: Readonly<Record<Dialect, string>> = {
  sqlite: 'LibsqlError',
  postgres: 'Neon-Connection-String',
  mysql: 'psdb.v1alpha1.Database',
}

/** The Worker's modules as wrangler deploys them. */
async function deployed() {
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
  const connectors = [...new Set([...atStart].flatMap((name) => importsOf(name, 'dynamic-import')))].filter((name) =>
    name.startsWith('connect-'),
  )
  /** What an isolate loads for its first request when its URL is of the dialect. */
  function loadedFor(dialect: Dialect): string {
    const own = connectors.filter((name) => textOf(loadedWith(name)).includes(driverWords[dialect]))
    if (own.length !== 1) throw new Error(`${own.length} modules load the driver of ${dialect}`)
    return textOf(new Set([...atStart, ...loadedWith(...own)]))
  }
  const always = new Set([...atStart, ...connectors.flatMap((name) => [...loadedWith(name)])])
  return { loadedFor, whenNeeded: textOf([...texts.keys()].filter((name) => !always.has(name))) }
}

/** As wrangler tells the size of an upload: all of it gzipped as one. */
function kibibytesOf(text: string): number {
  return gzipSync(text).length / 1024
}

describe.each(dialects)('an isolate of %s', (dialect) => {
  test(`loads at most ${mostKibibytes[dialect]} KiB gzipped before it answers`, async (context) => {
    const { loadedFor } = await deployed()
    const size = kibibytesOf(loadedFor(dialect))
    const told = `${dialect}: ${size.toFixed(1)} KiB gzipped`
    await context.annotate(told)
    process.stdout.write(`An isolate loads: ${told}\n`)
    expect(size).toBeLessThanOrEqual(mostKibibytes[dialect])
  })

  test('loads no driver of another dialect, and nothing of what only a backup needs', async () => {
    const { loadedFor } = await deployed()
    const loaded = loadedFor(dialect)
    for (const other of dialects) {
      if (other !== dialect) expect(loaded).not.toContain(driverWords[other])
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
