import { expect, test } from 'vitest'
import { verifyArchive } from './verify.ts'

/** Gzip of a text that repeats itself comes to little, so that a small file can claim to be a large one. */
function gzipOfMebibytes(count: number): ReadableStream<Uint8Array> {
  const mebibyte = new Uint8Array(1024 * 1024).fill(0x61)
  let left = count
  const text = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (left === 0) controller.close()
      else controller.enqueue(mebibyte)
      left -= 1
    },
  })
  return text.pipeThrough(new CompressionStream('gzip'))
}

test('a line that has no end is refused before it fills the memory', async () => {
  const longestLine = 4 * 1024 * 1024
  const verdict = await verifyArchive(gzipOfMebibytes(8), { identities: [], longestLine })
  expect(verdict).toMatchObject({
    isWhole: false,
    problems: [{ line: 1, what: 'the line has more than 4194304 characters' }],
  })
})
