import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { Readable } from 'node:stream'
import type { BackupBucket, BackupUpload, ObjectHead, UploadedPart } from '@millrace/api/backups/bucket'
import { makeDirectory } from './directory.ts'
import { withFix } from './fault.ts'

/** Beside each object, what is said of it; never an object itself. */
const noteEnding = '.meta.json'
const unfinished = /\.upload-[0-9a-f-]{36}$/

const fix = 'Check the folder of BACKUP_TO, its rights and the free space there; the next run tries again.'

/** A folder as a bucket. Files are for their owner only, and stand under their names when they are whole and synced. */
export function openFolder(directory: string): BackupBucket {
  const pathOf = (key: string) => join(directory, ...key.split('/'))

  const uploadOf = (key: string, uploadId: string) => uploadTo(pathOf(key), uploadId)

  const head = async (key: string): Promise<ObjectHead | null> => {
    const found = await stat(pathOf(key)).catch(absent)
    if (found === undefined) return null
    return { key, size: found.size, customMetadata: await readNote(pathOf(key)) }
  }

  return withFix(fix, {
    async createMultipartUpload(key, { customMetadata }) {
      const uploadId = randomUUID()
      const part = partOf(pathOf(key), uploadId)
      await makeDirectory(dirname(part))
      await writeFile(part, '', { mode: 0o600 })
      await writeFile(`${part}${noteEnding}`, JSON.stringify(customMetadata), { mode: 0o600 })
      return uploadOf(key, uploadId)
    },
    resumeMultipartUpload: uploadOf,
    head,
    async get(key) {
      const known = await head(key)
      if (known === null) return null
      return { ...known, body: bytesOf(pathOf(key)) }
    },
    async list({ prefix }) {
      const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(absent)
      const keys = (entries ?? [])
        .filter((entry) => entry.isFile() && !entry.name.endsWith(noteEnding) && !unfinished.test(entry.name))
        .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
        .filter((key) => key.startsWith(prefix))
        .toSorted()
      const heads = await Promise.all(keys.map(head))
      return { objects: heads.filter((found) => found !== null), truncated: false }
    },
    async delete(key) {
      await rm(pathOf(key), { force: true })
      await rm(`${pathOf(key)}${noteEnding}`, { force: true })
    },
  })
}

function partOf(path: string, uploadId: string): string {
  return `${path}.upload-${uploadId}`
}

/** An object under way: a file beside the path that it will have. */
function uploadTo(path: string, uploadId: string): BackupUpload {
  const part = partOf(path, uploadId)
  let partBytes: number | undefined
  return {
    uploadId,
    async uploadPart(partNumber, bytes) {
      // All but the last are of one size, and the first one comes first.
      partBytes ??= bytes.byteLength
      const file = await open(part, 'r+')
      try {
        await file.write(bytes, 0, bytes.byteLength, (partNumber - 1) * partBytes)
      } finally {
        await file.close()
      }
      return { partNumber, etag: String(partNumber) }
    },
    async complete(_parts: UploadedPart[]) {
      await sync(part, 'r+')
      await rename(`${part}${noteEnding}`, `${path}${noteEnding}`)
      await rename(part, path)
      // The names too: a backup that is told as verified is there after a power cut. Windows opens no folder.
      if (process.platform !== 'win32') await sync(dirname(path), 'r')
    },
    async abort() {
      await rm(part, { force: true })
      await rm(`${part}${noteEnding}`, { force: true })
    },
  }
}

async function sync(path: string, flags: 'r' | 'r+'): Promise<void> {
  const file = await open(path, flags)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}

async function readNote(path: string): Promise<Record<string, string>> {
  const text = await readFile(`${path}${noteEnding}`, 'utf8').catch(absent)
  const note: unknown = text === undefined ? {} : JSON.parse(text)
  const texts = Object.entries(typeof note === 'object' && note !== null ? note : {})
  return Object.fromEntries(texts.map(([name, value]) => [name, String(value)]))
}

/** Node's web stream and the platform's are one at run time, and two types. */
function bytesOf(path: string): ReadableStream<Uint8Array> {
  const reader = Readable.toWeb(createReadStream(path)).getReader()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk: { readonly done: boolean; readonly value?: unknown } = await reader.read()
      if (chunk.done) controller.close()
      else if (chunk.value instanceof Uint8Array) controller.enqueue(chunk.value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
