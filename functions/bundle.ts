import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { build } from 'esbuild'
import { forWorkerd } from './for-workerd.ts'

/**
 * Bundles a Worker into a folder: `index.js`, and a chunk for each thing that it loads only when needed. Wrangler bundles
 * into one script alone (docs/adr/0035). Beside each stands its source map. A file is written only when it differs, in one rename, and the entry last:
 * several runs may do so at once, and whoever reads meanwhile finds what belongs together.
 */
export async function bundleWorker(
  entry: string,
  directory: string,
  { isMinified = true }: { readonly isMinified?: boolean } = {},
): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: { index: entry },
    outdir: directory,
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2024',
    minify: isMinified,
    sourcemap: 'linked',
    // Those of wrangler: packages say by them what is for workerd.
    conditions: ['workerd', 'worker', 'browser'],
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [forWorkerd],
    logLevel: 'warning',
  })
  const chunksFirst = outputFiles.toSorted((one, other) => Number(isEntry(one.path)) - Number(isEntry(other.path)))
  for (const { path, contents } of chunksFirst) put(path, contents)
  const names = new Set(outputFiles.map(({ path }) => basename(path)))
  for (const name of readdirSync(directory)) {
    if (/\.js(?:\.map)?$/.test(name) && !names.has(name)) rmSync(join(directory, name), { force: true })
  }
}

function isEntry(path: string): boolean {
  return basename(path) === 'index.js'
}

/** Writes a file when it differs, in one rename. */
export function put(path: string, content: Uint8Array): void {
  if (contentOf(path)?.equals(content) === true) return
  mkdirSync(dirname(path), { recursive: true })
  const unfinished = `${path}.${process.pid}`
  writeFileSync(unfinished, content)
  renameSync(unfinished, path)
}

function contentOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    // Not written yet.
    return undefined
  }
}
