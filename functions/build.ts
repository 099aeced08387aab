/**
 * What wrangler runs before it deploys or serves: bundles the Worker into functions/dist, and writes what it serves as
 * files, the API's description and the reader for it, into functions/assets. The three parts run side by side: the bundler
 * of the Worker and that of the console are programs of their own, which work while this one reads the routes.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { bundleWorker, put } from './bundle.ts'
import { putConsole } from './console.ts'
import { alone, digestOf, forgetBuiltFrom, isBuiltFrom, noteBuiltFrom } from './stamp.ts'

const assets = join(import.meta.dirname, 'assets')
const consoleAssets = join(assets, 'console')
const description = join(assets, 'openapi.json')
// `millrace dev` asks for one that can be read in a debugger; it has a folder of its own, as both may run at once.
const isForDevelopment = process.argv.includes('--dev')

const folders = ['dist', 'dist-dev'].map((name) => join(import.meta.dirname, name))
const directory = join(import.meta.dirname, isForDevelopment ? 'dist-dev' : 'dist')

// `millrace dev` begins before wrangler asks for it: the second run then waits for the first, and finds it done.
await alone(directory, buildIfChanged)

/** A start or a deployment that changes nothing pays for a digest, as with the console (docs/adr/0092). */
async function buildIfChanged(): Promise<void> {
  const digest = digestOf([
    'functions/*.ts',
    'functions/src/**/*',
    'packages/{api,db,drivers}/src/**/*',
    'pnpm-lock.yaml',
  ])
  if (isBuiltFrom(directory, digest) && existsSync(description)) await putConsole(consoleAssets)
  else {
    // The description is one for both folders: what was built from other sources has no longer its own.
    for (const folder of folders) if (!isBuiltFrom(folder, digest)) forgetBuiltFrom(folder)
    await build()
    noteBuiltFrom(directory, digest)
  }
}

async function build(): Promise<void> {
  await Promise.all([
    bundleWorker(join(import.meta.dirname, 'src/index.ts'), directory, { isMinified: !isForDevelopment }),
    putConsole(consoleAssets),
    putDocs(),
  ])
}

async function putDocs(): Promise<void> {
  const reader = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css', 'favicon-32x32.png']) {
    put(join(assets, 'docs', name), readFileSync(join(reader, name)))
  }
  const { routes } = await import('@millrace/api/app')
  const { openApiDocument } = await import('@millrace/api/openapi/document')
  put(description, Buffer.from(`${JSON.stringify(openApiDocument(routes))}\n`))
}
