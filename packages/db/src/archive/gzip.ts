import { Z_BLOCK, Z_OK, Z_STREAM_END, Z_BUF_ERROR, ZStream, zlibInflate, zlibInflateInit2 } from 'pako'

/**
 * What archives begin with: deflate, no time, no system, and the flag and CRC of a header checksum (RFC 1952, FHCRC),
 * without which a changed byte in these ten would go unnoticed.
 */
const header = Uint8Array.of(0x1f, 0x8b, 8, 0x02, 0, 0, 0, 0, 0, 0xff, 0, 0)

/** Length of the header that CompressionStream writes: fixed, without optional fields. */
const plainHeaderLength = 10

/** gzip's own window, and neither zlib's header nor none. */
const gzipWindowBits = 15 + 16

const outputBytes = 64 * 1024

/** Compresses to exactly one gzip member. */
export function gzip(plain: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  let toDrop = plainHeaderLength
  const sealHeader = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(sealedHeader()),
    transform(chunk, controller) {
      const dropped = Math.min(toDrop, chunk.byteLength)
      toDrop -= dropped
      if (dropped < chunk.byteLength) controller.enqueue(chunk.subarray(dropped))
    },
  })
  return plain.pipeThrough(new CompressionStream('gzip')).pipeThrough(sealHeader)
}

function sealedHeader(): Uint8Array {
  const sealed = header.slice()
  const crc = crc32(sealed.subarray(0, plainHeaderLength))
  sealed[plainHeaderLength] = crc & 0xff
  sealed[plainHeaderLength + 1] = (crc >>> 8) & 0xff
  return sealed
}

/** Of a few bytes: bit by bit. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}

/** The compressed bytes are not one whole gzip member and nothing else. */
export class GzipError extends Error {
  override readonly name = 'GzipError'
}

/**
 * Decompresses exactly one gzip member. Platforms' own DecompressionStream won't do: Node's takes several members, and
 * none sees a bit flipped in the padding behind the last block. zlib stops there with Z_BLOCK and tells how many bits of
 * the byte are left. https://zlib.net/manual.html (inflate)
 * @throws GzipError at the first byte that can't be.
 */
export async function* gunzip(compressed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const member = new Member()
  for await (const chunk of compressed) {
    if (chunk.byteLength > 0) yield* member.inflate(chunk)
  }
  if (!member.isAtEnd) throw new GzipError('the compressed data ends before its end')
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
