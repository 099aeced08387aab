import { fail, notChecked, ok, type Finding } from '@millrace/db/checklist/finding'
import type { Target } from '@millrace/db/url'
import { toBase64url } from '../base64url.ts'
import type { NamedKey, Settings } from '../settings.ts'

interface Secret {
  /** Where it stands, as people know it. */
  readonly place: string
  /** A key's bytes as base64url: so one that is pasted elsewhere as text is known again. */
  readonly text: string
}

/**
 * `secret.reuse`: whoever learns one secret must not know another by it.
 * @param unread variables whose secrets could not be read, and so not be compared
 */
export function reuseFinding(settings: Settings, unread: readonly string[]): Finding {
  const byText = Map.groupBy(secretsOf(settings), ({ text }) => text)
  const shared = [...byText.values()].filter((places) => places.length > 1)
  if (shared.length === 0 && unread.length > 0) {
    const names = unread.join(', ')
    return notChecked('secret.reuse', `${names} could not be read.`, `Correct ${names}.`)
  }
  if (shared.length === 0) return ok('secret.reuse', 'No secret is used twice.')
  const words = shared.map((places) => places.map(({ place }) => place).join(' and '))
  return fail(
    'secret.reuse',
    `The same secret is used in ${words.join('; another one in ')}.`,
    'Give each its own, from `millrace secrets new`.',
  )
}

function secretsOf({ authKeys, settingsKeys, metricsTokens, gatewayToken, database }: Settings): readonly Secret[] {
  const texts = [
    ...metricsTokens.map((text) => ({ place: 'METRICS_TOKEN', text })),
    { place: 'DATABASE_GATEWAY_TOKEN', text: gatewayToken },
    { place: 'DATABASE_URL', text: secretOf(database) },
  ]
  return [
    ...keySecrets('AUTH_KEYS', authKeys),
    ...keySecrets('SETTINGS_KEYS', settingsKeys),
    ...texts.flatMap(({ place, text = '' }) => (text === '' ? [] : [{ place, text: text.replace(/={1,2}$/, '') }])),
  ]
}

function keySecrets(variable: string, keys: readonly NamedKey[]): readonly Secret[] {
  return keys.map(({ kid, secret }) => ({ place: `${variable} (${kid})`, text: toBase64url(secret) }))
}

function secretOf(target: Target): string | undefined {
  switch (target.via) {
    case 'file':
    case 'd1':
      return undefined
    case 'libsql':
      return target.authToken
    default:
      return target.password
  }
}
