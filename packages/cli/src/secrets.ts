import { randomBytes } from 'node:crypto'

/** The secrets that a deployment of the functions needs. */
export interface ServiceSecrets {
  /** `kid:base64url`, 32 random bytes. */
  readonly AUTH_KEYS: string
  /** `kid:base64url`, exactly 32 random bytes. */
  readonly SETTINGS_KEYS: string
  readonly METRICS_TOKEN: string
}

export interface NewSecrets extends ServiceSecrets {
  /** An X25519 key pair of the age format. */
  readonly age: { readonly recipient: string; readonly identity: string }
}

function newKey(): string {
  return `k${randomBytes(4).toString('hex')}:${randomBytes(32).toString('base64url')}`
}

export function newServiceSecrets(): ServiceSecrets {
  return {
    AUTH_KEYS: newKey(),
    SETTINGS_KEYS: newKey(),
    METRICS_TOKEN: randomBytes(32).toString('base64url'),
  }
}

export async function newSecrets(): Promise<NewSecrets> {
  const { generateX25519Identity, identityToRecipient } = await import('age-encryption')
  const identity = await generateX25519Identity()
  return { ...newServiceSecrets(), age: { recipient: await identityToRecipient(identity), identity } }
}
