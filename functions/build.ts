/**
 * What wrangler runs before it bundles: writes what the Worker serves as files, the API's description and the reader
 * for it, into functions/assets. A file is only written when it differs, in one rename: several runs may do so at once.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { routes } from '@millrace/api/app'
import { openApiDocument } from '@millrace/api/openapi/document'

const assets = join(import.meta.dirname, 'assets')
const reader = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))

mkdirSync(join(assets, 'docs'), { recursive: true })
put('openapi.json', Buffer.from(`${JSON.stringify(openApiDocument(routes))}\n`))
for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css', 'favicon-32x32.png']) {
  put(`docs/${name}`, readFileSync(join(reader, name)))
}

function put(name: string, content: Buffer): void {
  const path = join(assets, name)
  if (contentOf(path)?.equals(content) === true) return
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
