import { fromBase64url, toBase64url } from '../base64url.ts'
import type { NamedKey } from '../settings.ts'
import type { SealedSecret } from './data-tree.ts'

/** Bytes of the nonce of AES-256-GCM. NIST SP 800-38D. */
const nonceBytes = 12
const shortestWithHint = 12
const hintLength = 4

/** Seals and opens the secrets of settings: AES-256-GCM, bound to the user and the secret's ref. */
export interface SecretSealer {
  /** Under the first key. */
  seal(userId: string, ref: string, plainText: string): Promise<SealedSecret>
  /** Rejects when no key of that kid is there, or the text was sealed for another user or ref, or was changed. */
  open(userId: string, secret: SealedSecret): Promise<string>
  /** Whether it is sealed under the first key. */
  isCurrent(secret: SealedSecret): boolean
}

/** The first key seals, all open. Undefined where there is no key. */
export function createSecretSealer(keys: readonly NamedKey[]): SecretSealer | undefined {
  const [first] = keys
  if (first === undefined) return undefined
  const imported = new Map<string, Promise<CryptoKey>>()

  function keyOf(kid: string): Promise<CryptoKey> {
    const secret = keys.find((key) => key.kid === kid)?.secret
    if (secret === undefined) {
      throw new Error(`SETTINGS_KEYS has no key ${kid}, under which a secret is sealed: put it back behind the first`)
    }
    const known = imported.get(kid) ?? importKey(secret)
    imported.set(kid, known)
    return known
  }

  return {
    async seal(userId, ref, plainText) {
      const key = await keyOf(first.kid)
      const iv = crypto.getRandomValues(new Uint8Array(nonceBytes))
      const text = new TextEncoder().encode(plainText)
      const sealed = await crypto.subtle.encrypt(
        { name: 'AES-GCM', iv, additionalData: boundTo(userId, ref) },
        key,
        text,
      )
      return {
        ref,
        hint: hintOf(plainText),
        sealed: `${first.kid}.${toBase64url(iv)}.${toBase64url(new Uint8Array(sealed))}`,
        plainBytes: new TextEncoder().encode(JSON.stringify(plainText)).length,
      }
    },
    async open(userId, { ref, sealed }) {
      const [kid = '', iv = '', text = ''] = sealed.split('.')
      const key = await keyOf(kid)
      const plain = await crypto.subtle.decrypt(
        { name: 'AES-GCM', iv: bytesOf(iv), additionalData: boundTo(userId, ref) },
        key,
        bytesOf(text),
      )
      return new TextDecoder().decode(plain)
    },
    isCurrent: ({ sealed }) => sealed.startsWith(`${first.kid}.`),
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
  if (bytes === undefined) throw new Error('a sealed secret is damaged')
  return bytes
}

/** The last four characters of a secret that is long enough not to be given away by them. */
function hintOf(plainText: string): string {
  const characters = Array.from(plainText)
  return characters.length < shortestWithHint ? '…' : `…${characters.slice(-hintLength).join('')}`
}
