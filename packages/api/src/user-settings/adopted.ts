import type { SettingsSecrets } from '@millrace/db/archive/adopt/settings-secrets'
import { toBase64url } from '../base64url.ts'
import type { NamedKey } from '../settings.ts'
import { parseData, type DataNode } from './data-tree.ts'
import { sealFresh, takeSecrets, type SecretSource } from './incoming.ts'
import { createSecretSealer, nonceBytes } from './sealing.ts'
import { writeStored } from './stored.ts'

const refBytes = 16

/**
 * Seals the secrets of settings that were made elsewhere, under the first key. An adoption that was cut off is done over,
 * and must write the same: refs and nonces are made by HMAC of what is sealed (as SIV does, RFC 5297), not by chance.
 * Without keys only `survey` works.
 */
export function createAdoptedSecrets(keys: readonly NamedKey[]): SettingsSecrets {
  const derive = deriver(keys[0])
  const sealer = createSecretSealer(keys, (userId, ref, plainText) =>
    derive(['nonce', userId, ref, plainText], nonceBytes),
  )
  return {
    survey(data) {
      const tree = parseData(data)
      const taken = takeSecrets(
        tree,
        sourceOf(() => ''),
        '',
      )
      if (!taken.ok || taken.tree.kind !== 'object') return 'unfit'
      return countFresh(tree) > 0 ? 'some' : 'none'
    },
    async seal(userId, data) {
      const tree = parseData(data)
      const count = countFresh(tree)
      const refs: string[] = []
      for (let number = 1; number <= count; number += 1) {
        refs.push(toBase64url(await derive(['ref', userId, String(number)], refBytes)))
      }
      if (refs.length === 0) return data
      const left = refs.values()
      const taken = takeSecrets(
        tree,
        sourceOf(() => left.next().value ?? ''),
        '',
      )
      if (!taken.ok) throw new TypeError('settings must be surveyed before they are sealed')
      return writeStored(await sealFresh(taken.tree, taken.fresh, (ref, text) => sealer.seal(userId, ref, text)))
    },
  }
}

function countFresh(tree: DataNode): number {
  let made = 0
  takeSecrets(
    tree,
    sourceOf(() => String((made += 1))),
    '',
  )
  return made
}

/** Nothing is kept: what looks like a secret that is sent back was never one here. */
function sourceOf(newRef: SecretSource['newRef']): SecretSource {
  return { newRef, kept: () => undefined }
}

type Derive = (parts: readonly string[], length: number) => Promise<Uint8Array<ArrayBuffer>>

/** By a key of its own, which HKDF makes of the sealing key: one key has one use. */
function deriver(key: NamedKey | undefined): Derive {
  let made: Promise<CryptoKey> | undefined
  return async (parts, length) => {
    if (key === undefined) throw new TypeError('secrets are sealed under a key')
    made ??= deriveKey(key.secret)
    const text = new TextEncoder().encode(JSON.stringify(parts))
    const mac = await crypto.subtle.sign('HMAC', await made, text)
    return new Uint8Array(mac).slice(0, length)
  }
}

async function deriveKey(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const source = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey'])
  const info = new TextEncoder().encode('millrace adoption of settings')
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info },
    source,
    { name: 'HMAC', hash: 'SHA-256', length: 256 },
    false,
    ['sign'],
  )
}
