/**
 * What wrangler runs before it deploys or serves: bundles the Worker into functions/dist, and writes what it serves as
 * files, the API's description and the reader for it, into functions/assets. The three parts run side by side: the bundler
 * of the Worker and that of the console are programs of their own, which work while this one reads the routes.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { bundleWorker, put } from './bundle.ts'
import { putConsole } from './console.ts'

const assets = join(import.meta.dirname, 'assets')
// `millrace dev` asks for one that can be read in a debugger; it has a folder of its own, as both may run at once.
const isForDevelopment = process.argv.includes('--dev')

await Promise.all([
  bundleWorker(
    join(import.meta.dirname, 'src/index.ts'),
    join(import.meta.dirname, isForDevelopment ? 'dist-dev' : 'dist'),
    {
      isMinified: !isForDevelopment,
    },
  ),
  putConsole(join(assets, 'console')),
  putDocs(),
])

async function putDocs(): Promise<void> {
  const reader = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css', 'favicon-32x32.png']) {
    put(join(assets, 'docs', name), readFileSync(join(reader, name)))
  }
  const { routes } = await import('@millrace/api/app')
  const { openApiDocument } = await import('@millrace/api/openapi/document')
  put(join(assets, 'openapi.json'), Buffer.from(`${JSON.stringify(openApiDocument(routes))}\n`))
}
