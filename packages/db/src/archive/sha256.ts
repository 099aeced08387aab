import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

/** A SHA-256 in the making. */
export interface Sha256 {
  update(data: Uint8Array | string): void
  /** Ends it. */
  hex(): string
}

type MakeSha256 = () => Sha256

/** Web APIs digest no streams: JavaScript does where the platform gives nothing faster. */
let make: MakeSha256 = () => {
  const hash = sha256.create()
  return {
    update: (data) => hash.update(typeof data === 'string' ? utf8ToBytes(data) : data),
    hex: () => bytesToHex(hash.digest()),
  }
}

/** Has a platform's own SHA-256 used from here on. */
export function useSha256(ofPlatform: MakeSha256): void {
  make = ofPlatform
}

export function createSha256(): Sha256 {
  return make()
}

export function sha256Of(data: Uint8Array | string): string {
  const hash = make()
  hash.update(data)
  return hash.hex()
}
