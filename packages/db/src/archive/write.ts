import type { Encrypter } from 'age-encryption'
import { StreamDigest, type TableDigests } from './digest.ts'
import { gzip } from './gzip.ts'
import { SealWatch } from './seal.ts'
import { writeEnd, writeHead, writeRow, type ArchiveHead } from './lines.ts'
import type { WatchedRows } from './checked-rows.ts'

/** An archive being written: bytes to be read to their end, then what they were. */
export interface WrittenArchive {
  readonly stream: ReadableStream<Uint8Array>
  /** To be asked when the stream has been read to its end. */
  result(): WrittenResult
}

export interface WrittenResult {
  readonly bytes: number
  /** Of the stream's bytes. */
  readonly sha256: string
  readonly tables: TableDigests
  /**
   * Bytes that replace the first ones where the archive went into a file: with them no changed byte goes unnoticed.
   * Undefined for an encrypted archive, of which age says so.
   */
  readonly sealedHeader: Uint8Array | undefined
}

/** Text that is compressed at once. */
const chunkCharacters = 64 * 1024

/** Writes rows as an archive, encrypted where an encrypter is given. Errors of the rows are errors of the stream. */
export async function writeArchive(
  head: ArchiveHead,
  rows: WatchedRows,
  encrypter: Encrypter | undefined,
): Promise<WrittenArchive> {
  const digest = new StreamDigest()
  const seal = encrypter === undefined ? new SealWatch() : undefined
  const tables: { told: TableDigests | undefined } = { told: undefined }
  const plain = streamOf(encoded(contentOf(head, rows, (told) => (tables.told = told))))
  const compressed = gzip(plain)
  const bytes = encrypter === undefined ? compressed : await encrypter.encrypt(compressed)
  return {
    stream: bytes.pipeThrough(
      watched((chunk) => {
        digest.add(chunk)
        seal?.add(chunk)
      }),
    ),
    result() {
      if (tables.told === undefined) throw new TypeError('the archive must be read to its end first')
      return { ...digest.finish(), tables: tables.told, sealedHeader: seal?.sealedHeader() }
    },
  }
}

async function* contentOf(
  head: ArchiveHead,
  rows: WatchedRows,
  onEnd: (tables: TableDigests) => void,
): AsyncGenerator<string> {
  yield writeHead(head)
  for await (const { table, entries } of rows.pages) yield entries.map((entry) => writeRow(table, entry)).join('')
  const tables = rows.finish()
  onEnd(tables)
  yield writeEnd(tables)
}

async function* encoded(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const utf8 = new TextEncoder()
  let chunk = ''
  for await (const text of texts) {
    chunk += text
    if (chunk.length < chunkCharacters) continue
    yield utf8.encode(chunk)
    chunk = ''
  }
  yield utf8.encode(chunk)
}

function streamOf(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await chunks.next()
      if (next.done === true) controller.close()
      else controller.enqueue(next.value)
    },
    async cancel() {
      await chunks.return(undefined)
    },
  })
}

function watched(watch: (chunk: Uint8Array) => void): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      watch(chunk)
      controller.enqueue(chunk)
    },
  })
}
