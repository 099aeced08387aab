import { expect, test } from 'vitest'
import { readBody } from './body.ts'
import { discardRest, mostDiscardedBytes } from './discard.ts'

const chunkBytes = 65_536
const maxBodyBytes = 1_048_576

/** A body of that many chunks, or one without an end, that counts what was taken from it. */
function source(chunks: number, then: 'ends' | 'waits' | 'breaks' = 'ends') {
  const seen = { chunks: 0, isCancelled: false }
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (seen.chunks < chunks) {
          seen.chunks += 1
          controller.enqueue(new Uint8Array(chunkBytes))
        } else if (then === 'ends') controller.close()
        else if (then === 'breaks') controller.error(new TypeError('the caller is gone'))
      },
      cancel() {
        seen.isCancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return { seen, stream }
}

function requestOf(body: ReadableStream): Request {
  const init = { method: 'POST', body, duplex: 'half' } as const
  return new Request('http://localhost/', init)
}

test('a body of at most the limit is read whole', async () => {
  const { stream } = source(16)
  const read = await readBody(requestOf(stream), maxBodyBytes)
  expect(read.ok && read.bytes.length).toBe(maxBodyBytes)
})

test('a longer one is refused, and read to its end', async () => {
  const { seen, stream } = source(40)
  expect(await readBody(requestOf(stream), maxBodyBytes)).toMatchObject({ refusal: 'payload_too_large' })
  expect(seen).toEqual({ chunks: 40, isCancelled: false })
})

test('one that does not end is given up after a bound', async () => {
  const { seen, stream } = source(Number.POSITIVE_INFINITY)
  expect(await readBody(requestOf(stream), maxBodyBytes)).toMatchObject({ refusal: 'payload_too_large' })
  expect(seen.isCancelled).toBe(true)
  expect(seen.chunks * chunkBytes).toBeLessThan(mostDiscardedBytes + 2 * maxBodyBytes)
})

test('one whose caller sends no more is given up after a time, and one that breaks off at once', async () => {
  const waiting = source(1, 'waits')
  await discardRest(waiting.stream.getReader(), { milliseconds: 10 })
  expect(waiting.seen.isCancelled).toBe(true)
  await discardRest(source(1, 'breaks').stream.getReader())
})
