/**
 * Builds the console into a folder of files that the Worker serves (docs/adr/0092). It is built only when its sources, the
 * client's or the packages have changed since: a start that changes nothing pays for a digest, not for a build.
 */
import { globSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { put } from './bundle.ts'
import { digestOf, isBuiltFrom, noteBuiltFrom } from './stamp.ts'

const root = join(import.meta.dirname, '../packages/console')

const sources = [
  'functions/{console,stamp}.ts',
  'packages/client/src/**/*.ts',
  'packages/console/index.html',
  'packages/console/package.json',
  'packages/console/src/**/*',
  'pnpm-lock.yaml',
]

/** Several runs may do so at once: the page is written last, and names only files that are there. */
export async function putConsole(directory: string): Promise<void> {
  const digest = digestOf(sources)
  if (isBuiltFrom(directory, digest)) return
  const files = await buildFiles()
  const pageLast = [...files].toSorted(([one], [other]) => Number(isPage(one)) - Number(isPage(other)))
  for (const [name, content] of pageLast) put(join(directory, name), content)
  noteBuiltFrom(directory, digest)
  for (const name of globSync('assets/*', { cwd: directory })) {
    if (!files.has(name)) rmSync(join(directory, name), { force: true })
  }
}

function isPage(name: string): boolean {
  return name === 'index.html'
}

async function buildFiles(): Promise<ReadonlyMap<string, Uint8Array>> {
  // Loaded only to build: a start that changes nothing does not wait for it.
  const { build } = await import('vite')
  const compat = createRequire(join(root, 'package.json'))
  const built = await build({
    configFile: false,
    root,
    base: '/console/',
    logLevel: 'error',
    resolve: {
      // The graph library is written for React, whose interface Preact offers (docs/adr/0091).
      alias: [
        { find: /^react$/, replacement: compat.resolve('preact/compat') },
        { find: /^react-dom$/, replacement: compat.resolve('preact/compat') },
        { find: /^react\/jsx-runtime$/, replacement: compat.resolve('preact/jsx-runtime') },
      ],
      dedupe: ['preact', '@codemirror/state', '@codemirror/view', '@codemirror/language', '@lezer/common'],
    },
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false,
      target: 'es2024',
      assetsDir: 'assets',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 1000,
    },
  })
  const outputs = (Array.isArray(built) ? built : [built]).flatMap((one) => ('output' in one ? one.output : []))
  return new Map(outputs.map((file) => [file.fileName, contentOf(file)]))
}

function contentOf(file: { readonly code: string } | { readonly source: string | Uint8Array }): Uint8Array {
  const content = 'code' in file ? file.code : file.source
  return typeof content === 'string' ? Buffer.from(content) : content
}
