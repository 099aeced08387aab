import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, inject, test } from 'vitest'

const mostKibibytes = 200
/** Of what is loaded for a backup, and a little for the schedule and the checklist. */
const mostLazyKibibytes = 160

/** The Worker's modules as wrangler deploys them: those that the entry imports, and those that are loaded when needed. */
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
  const imported = new Set<string>()
  const follow = (name: string): void => {
    if (imported.has(name)) return
    imported.add(name)
    for (const { path, kind } of metafile.inputs[name]?.imports ?? []) {
      if (kind === 'import-statement') follow(path)
    }
  }
  follow(basename(entry))
  const textsOf = (isImported: boolean) =>
    worker.modules
      .filter((path) => imported.has(basename(path)) === isImported)
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n')
  return { always: textsOf(true), whenNeeded: textsOf(false) }
}

/** As wrangler tells the size of an upload: all of it gzipped as one. */
function kibibytesOf(text: string): number {
  return gzipSync(text).length / 1024
}

test('what the Worker always loads, as wrangler deploys it, has at most 200 KiB gzipped', async (context) => {
  const { always, whenNeeded } = await deployed()
  const sizes = { always: kibibytesOf(always), whenNeeded: kibibytesOf(whenNeeded) }
  const told = `gzipped ${sizes.always.toFixed(1)} KiB, and ${sizes.whenNeeded.toFixed(1)} KiB when needed`
  await context.annotate(told)
  process.stdout.write(`The Worker's bundle: ${told}\n`)
  expect(sizes.always).toBeLessThanOrEqual(mostKibibytes)
  expect(sizes.whenNeeded).toBeLessThanOrEqual(mostLazyKibibytes)
})

test("and age and PostgreSQL's protocol over WebSocket are in it only when needed", async () => {
  const { always, whenNeeded } = await deployed()
  expect(always).toContain('Neon-Connection-String')
  expect(always).not.toContain('SCRAM-SHA-256')
  expect(whenNeeded).toContain('SCRAM-SHA-256')
  expect(always).not.toContain('age-encryption.org/v1')
  expect(whenNeeded).toContain('age-encryption.org/v1')
})
