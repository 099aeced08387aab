import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { deflateRawSync, gunzipSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { gunzip, gzip } from './gzip.ts'

const plain = Buffer.from(Array.from({ length: 200 }, (_, at) => JSON.stringify({ at, sine: Math.sin(at) })).join('\n'))

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const read: Uint8Array[] = []
  for await (const chunk of chunks) read.push(chunk)
  return Buffer.concat(read)
}

async function* piecesOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}

const compressed = (): Promise<Buffer> => joined(gzip(new Blob([plain]).stream()))

test('what it compresses, gunzip opens', async () => {
  expect(gunzipSync(await compressed()).equals(plain)).toBe(true)
})

test('what nobody reads is not compressed ahead', async () => {
  let pulled = 0
  const fast = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      pulled += 1
      controller.enqueue(randomBytes(65_536))
    },
  })
  const reader = gzip(fast).getReader()
  await reader.read()
  await delay(200)
  expect(pulled).toBeLessThan(10)
  await reader.cancel()
})

test.each([1, 13, 1000, 1_000_000])('it reads members of its own and of others in pieces of %d bytes', async (size) => {
  for (const member of [await compressed(), gzipSync(plain), gzipSync(plain, { level: 0 })]) {
    expect((await joined(gunzip(piecesOf(member, size)))).equals(plain)).toBe(true)
  }
})

test.each([1, 13, 1_000_000])('one member and nothing else: in pieces of %d bytes', async (size) => {
  const member = await compressed()
  const wrong: Record<string, Buffer> = {
    'two members': Buffer.concat([member, member]),
    'an empty member first': Buffer.concat([gzipSync(''), member]),
    'an empty member last': Buffer.concat([member, gzipSync('')]),
    'a zero byte behind': Buffer.concat([member, Buffer.alloc(1)]),
    'text behind': Buffer.concat([member, Buffer.from('text')]),
    'no gzip': deflateRawSync(plain),
    'plain text': plain,
    'half of it': member.subarray(0, member.byteLength / 2),
    'without its last byte': member.subarray(0, -1),
    nothing: Buffer.alloc(0),
  }
  for (const [name, bytes] of Object.entries(wrong)) {
    await expect(joined(gunzip(piecesOf(bytes, size))), name).rejects.toMatchObject({ name: 'GzipError' })
  }
})

test('bits behind the last block are refused, though they change nothing', async () => {
  const foreign = gzipSync(plain)
  const last = foreign.byteLength - 9
  const changes = Array.from({ length: 8 }, (_, bit) => {
    const changed = Buffer.from(foreign)
    changed[last] = (changed[last] ?? 0) ^ (1 << bit)
    return changed
  })
  const readable = changes.filter((bytes) => isReadable(bytes))
  expect(readable.length).toBeGreaterThan(0)
  for (const bytes of changes) await expect(joined(gunzip(piecesOf(bytes, 4096)))).rejects.toThrow()
})

function isReadable(bytes: Buffer): boolean {
  try {
    return gunzipSync(bytes).equals(plain)
  } catch {
    return false
  }
}
