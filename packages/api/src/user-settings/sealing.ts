import { fromBase64url, toBase64url } from '../base64url.ts'
import type { NamedKey } from '../settings.ts'
import type { SealedSecret } from './data-tree.ts'

/** Bytes of the nonce of AES-256-GCM. NIST SP 800-38D. */
export const nonceBytes = 12
const shortestWithHint = 12
const hintLength = 4

/** A secret that can't be sealed or opened with the keys that there are: an error for the operator. */
export class SealingError extends Error {
  override readonly name = 'SealingError'
  readonly fix: string

  constructor(message: string, fix: string) {
    super(message)
    this.fix = fix
  }
}

/** Seals and opens the secrets of settings: AES-256-GCM, bound to the user and the secret's ref. */
export interface SecretSealer {
  /** Under the first key. */
  seal(userId: string, ref: string, plainText: string): Promise<SealedSecret>
  /** Rejects when no key of that kid is there, or the text was sealed for another user or ref, or was changed. */
  open(userId: string, secret: SealedSecret): Promise<string>
  /** Whether it is sealed under the first key. */
  isCurrent(secret: SealedSecret): boolean
  /** The name of the key that opens it, where that is none of these; undefined where it is one. */
  missingKid(secret: SealedSecret): string | undefined
}

/** Gives the nonce that a secret is sealed under: no two secrets may have the same. */
export type MakeNonce = (userId: string, ref: string, plainText: string) => Promise<Uint8Array<ArrayBuffer>>

const randomNonce: MakeNonce = () => Promise.resolve(crypto.getRandomValues(new Uint8Array(nonceBytes)))

/** The first key seals, all open; without any, each throws a SealingError. */
export function createSecretSealer(keys: readonly NamedKey[], makeNonce = randomNonce): SecretSealer {
  const imported = new Map<string, Promise<CryptoKey>>()

  function firstKid(): string {
    const [first] = keys
    if (first !== undefined) return first.kid
    throw new SealingError(
      'SETTINGS_KEYS is not set, and a secret of settings is to be sealed or opened',
      'Set SETTINGS_KEYS to what `millrace secrets new` prints for it.',
    )
  }

  function keyOf(kid: string): Promise<CryptoKey> {
    const secret = keys.find((key) => key.kid === kid)?.secret
    if (secret === undefined) {
      throw new SealingError(
        `SETTINGS_KEYS has no key ${kid}, under which a secret is sealed`,
        'Put that key back into SETTINGS_KEYS, after the first; run `millrace keys rotate`, then it can be removed.',
      )
    }
    const known = imported.get(kid) ?? importKey(secret)
    imported.set(kid, known)
    return known
  }

  return {
    async seal(userId, ref, plainText) {
      const kid = firstKid()
      const key = await keyOf(kid)
      const iv = await makeNonce(userId, ref, plainText)
      const text = new TextEncoder().encode(plainText)
      const sealed = await crypto.subtle.encrypt(
        { name: 'AES-GCM', iv, additionalData: boundTo(userId, ref) },
        key,
        text,
      )
      return {
        ref,
        hint: hintOf(plainText),
        sealed: `${kid}.${toBase64url(iv)}.${toBase64url(new Uint8Array(sealed))}`,
        plainBytes: new TextEncoder().encode(JSON.stringify(plainText)).length,
      }
    },
    async open(userId, { ref, sealed }) {
      const key = await keyOf(kidOf(sealed))
      const [iv = '', text = ''] = sealed.split('.').slice(-2)
      const algorithm = { name: 'AES-GCM', iv: bytesOf(iv), additionalData: boundTo(userId, ref) }
      // An authentication failure says no more than that it failed (WebCrypto's OperationError).
      const plain = await crypto.subtle.decrypt(algorithm, key, bytesOf(text)).catch(() => undefined)
      if (plain === undefined) throw damaged()
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain)
    },
    isCurrent: ({ sealed }) => kidOf(sealed) === firstKid(),
    missingKid({ sealed }) {
      const kid = kidOf(sealed)
      return keys.some((key) => key.kid === kid) ? undefined : kid
    },
  }
}

function importKey(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', secret, 'AES-GCM', false, ['encrypt', 'decrypt'])
}

function boundTo(userId: string, ref: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new TextEncoder().encode(`millrace settings ${JSON.stringify([userId, ref])}`))
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = fromBase64url(text)
  if (bytes === undefined) throw damaged()
  return bytes
}

/** A kid may hold dots itself. */
function kidOf(sealed: string): string {
  return sealed.split('.').slice(0, -2).join('.')
}

function damaged(): SealingError {
  return new SealingError(
    'a sealed secret cannot be opened with the key that it names',
    'It was changed or moved in the database, or the key with this kid has changed: set the secret again.',
  )
}

/** The last four characters of a secret that is long enough not to be given away by them. */
function hintOf(plainText: string): string {
  const characters = Array.from(plainText)
  return characters.length < shortestWithHint ? '…' : `…${characters.slice(-hintLength).join('')}`
}
