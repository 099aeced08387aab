import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import type { ReadAsset } from '@millrace/api/assets'

const contentTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** The files of a folder by their paths in URLs; each is read when it is first asked for, and kept. */
export function readAssetsOf(directory: string): ReadAsset {
  const paths = new Map<string, string>()
  if (existsSync(directory)) {
    for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const file = join(entry.parentPath, entry.name)
      paths.set(`/${relative(directory, file).split(sep).join('/')}`, file)
    }
  }
  const kept = new Map<string, { readonly bytes: Uint8Array<ArrayBuffer>; readonly headers: Record<string, string> }>()
  return (path) => {
    const file = paths.get(path)
    if (file === undefined) return Promise.resolve(new Response(null, { status: 404 }))
    const known = kept.get(path) ?? readFile(file)
    kept.set(path, known)
    return Promise.resolve(new Response(known.bytes, { headers: known.headers }))
  }
}

function readFile(file: string) {
  const bytes = new Uint8Array(readFileSync(file))
  const digest = createHash('sha256').update(bytes).digest('base64url')
  const headers = {
    'Content-Type': contentTypes[extname(file)] ?? 'application/octet-stream',
    ETag: `"${digest}"`,
  }
  return { bytes, headers }
}
