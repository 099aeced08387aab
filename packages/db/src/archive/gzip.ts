import { Z_BLOCK, Z_OK, Z_STREAM_END, Z_BUF_ERROR, ZStream, zlibInflate, zlibInflateInit2 } from 'pako'
import { GzipError } from './gzip-error.ts'
import { headerWith, SealWatch } from './seal.ts'

/** Length of the header that CompressionStream writes, which is without optional fields. */
const plainHeaderLength = 10

/** gzip's own window, and neither zlib's header nor none. */
const gzipWindowBits = 15 + 16

const outputBytes = 64 * 1024

/** Compresses to exactly one gzip member, with an archive's header. */
export function gzip(plain: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  let toDrop = plainHeaderLength
  const ownHeader = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(headerWith()),
    transform(chunk, controller) {
      const dropped = Math.min(toDrop, chunk.byteLength)
      toDrop -= dropped
      if (dropped < chunk.byteLength) controller.enqueue(chunk.subarray(dropped))
    },
  })
  return plain.pipeThrough(oneByOne(new CompressionStream('gzip'))).pipeThrough(ownHeader)
}

/**
 * Takes a chunk when the one before it is through. Node's own stream counts chunks where it should count bytes, and takes
 * thousands of them: a source that is faster than gzip would be in memory whole.
 * https://github.com/nodejs/node/blob/main/lib/internal/webstreams/adapters.js (newWritableStreamFromStreamWritable)
 */
function oneByOne({ readable, writable }: CompressionStream): ReadableWritablePair<Uint8Array, Uint8Array> {
  const writer: WritableStreamDefaultWriter<Uint8Array> = writable.getWriter()
  const taking = new WritableStream<Uint8Array>({
    write: (chunk: Uint8Array) => writer.write(chunk),
    close: () => writer.close(),
    abort: (reason) => writer.abort(reason),
  })
  return { readable, writable: taking }
}

/**
 * Decompresses exactly one gzip member. Platforms' own DecompressionStream won't do: Node's takes several members, and
 * none sees a bit flipped in the padding behind the last block. zlib stops there with Z_BLOCK and tells how many bits of
 * the byte are left. https://zlib.net/manual.html (inflate)
 * @throws GzipError at the first byte that can't be.
 */
export async function* gunzip(compressed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const member = new Member()
  const seal = new SealWatch()
  for await (const chunk of compressed) {
    if (chunk.byteLength === 0) continue
    seal.add(chunk)
    yield* member.inflate(chunk)
  }
  if (!member.isAtEnd) throw new GzipError('the compressed data ends before its end')
  seal.check()
}

class Member {
  readonly #stream = new ZStream()
  #lastByte = 0
  isAtEnd = false

  constructor() {
    zlibInflateInit2(this.#stream, gzipWindowBits)
  }

  *inflate(input: Uint8Array): Generator<Uint8Array> {
    if (this.isAtEnd) throw trailing()
    const stream = this.#stream
    stream.input = input
    stream.next_in = 0
    stream.avail_in = input.byteLength
    let isDone: boolean
    do {
      stream.output = new Uint8Array(outputBytes)
      stream.next_out = 0
      stream.avail_out = outputBytes
      isDone = this.#step()
      if (stream.next_out > 0) yield stream.output.subarray(0, stream.next_out)
    } while (!isDone && (stream.avail_in > 0 || stream.avail_out === 0))
    if (stream.avail_in > 0) throw trailing()
    this.#lastByte = input.at(-1) ?? 0
  }

  /** Runs until the output is full, the input is used up, or the member ends: then true. */
  #step(): boolean {
    const stream = this.#stream
    while (stream.avail_out > 0) {
      const status = zlibInflate(stream, Z_BLOCK)
      this.#refusePadding()
      if (status === Z_STREAM_END) {
        this.isAtEnd = true
        return true
      }
      if (status === Z_BUF_ERROR || (status === Z_OK && stream.avail_in === 0 && !this.#isBetweenBlocks)) return false
      if (status !== Z_OK) throw new GzipError(`the compressed data is damaged: ${stream.msg || 'not gzip'}`)
    }
    return false
  }

  get #isBetweenBlocks(): boolean {
    return (this.#stream.data_type & 128) !== 0
  }

  /** `data_type`: the bits left of the last byte taken, 64 in the last block, 128 right behind a block. */
  #refusePadding(): void {
    const { data_type: state, input, next_in: taken } = this.#stream
    if ((state & 64) === 0 || (state & 128) === 0) return
    const unusedBits = state & 7
    const byte = taken === 0 ? this.#lastByte : (input[taken - 1] ?? 0)
    if (byte >>> (8 - unusedBits) !== 0) throw new GzipError('there are bits behind the end of the compressed data')
  }
}

function trailing(): GzipError {
  return new GzipError('there are bytes behind the end of the compressed data')
}
