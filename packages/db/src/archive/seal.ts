import { hexToBytes } from '@noble/hashes/utils.js'
import { GzipError } from './gzip-error.ts'
import { createSha256 } from './sha256.ts'

/**
 * What archives begin with: a gzip header (RFC 1952) with an extra field, the seal, and the header's own checksum
 * (FHCRC). gzip's CRC is over the content alone, and some changes in the compressed bytes, in a distance say, leave the
 * content as it was; so the seal holds the SHA-256 of all bytes behind the header. It is zero where an archive was
 * written as a stream, whose beginning can't be written last.
 */
const beginning = Uint8Array.from(
  // Deflate, with an extra field and a header checksum, no time, no system; 36 bytes of it: `MR`, and 32 bytes.
  [0x1f, 0x8b, 8, 0x04 | 0x02, 0, 0, 0, 0, 0, 0xff, 36, 0, 0x4d, 0x52, 32, 0],
)

const sealBytes = 32
const checksumBytes = 2
const headerBytes = beginning.byteLength + sealBytes + checksumBytes

const noSeal = new Uint8Array(sealBytes)

/** The header, with the SHA-256 of all that follows it, or without. */
export function headerWith(seal: Uint8Array = noSeal): Uint8Array {
  const header = new Uint8Array(headerBytes)
  header.set(beginning)
  header.set(seal, beginning.byteLength)
  const crc = crc32(header.subarray(0, headerBytes - checksumBytes))
  header[headerBytes - 2] = crc & 0xff
  header[headerBytes - 1] = (crc >>> 8) & 0xff
  return header
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

/** Watches an archive's compressed bytes go by, and digests what follows their header. */
export class SealWatch {
  readonly #header = new Uint8Array(headerBytes)
  readonly #hash = createSha256()
  #seen = 0

  add(chunk: Uint8Array): void {
    const ofHeader = Math.max(0, Math.min(headerBytes - this.#seen, chunk.byteLength))
    this.#header.set(chunk.subarray(0, ofHeader), Math.min(this.#seen, headerBytes))
    this.#hash.update(chunk.subarray(ofHeader))
    this.#seen += chunk.byteLength
  }

  /** The header that seals the bytes that went by. */
  sealedHeader(): Uint8Array {
    return headerWith(hexToBytes(this.#hash.hex()))
  }

  /** @throws GzipError when the header holds a seal, and it is another */
  check(): void {
    const isOurs = beginning.every((byte, at) => byte === this.#header[at])
    const seal = this.#header.subarray(beginning.byteLength, headerBytes - checksumBytes)
    if (!isOurs || seal.every((byte) => byte === 0)) return
    const digest = hexToBytes(this.#hash.hex())
    if (seal.every((byte, at) => byte === digest[at])) return
    throw new GzipError('the compressed bytes are not those that were written: the seal in their header is another')
  }
}
