import { fail, ok, warn, type Finding } from '@millrace/db/checklist/finding'
import type { CheckId } from '@millrace/db/checklist/checks'
import { isLoopback } from '@millrace/db/url/address'
import type { NamedKey, SettingProblem, Settings } from '../settings.ts'
import { reuseFinding } from './reuse.ts'

/** Of random bytes of a key's length, that many differ at least; of a word that someone thought up, seldom. */
const leastDistinctBytes = 16
const leastTokenLength = 16

const freshSecrets = 'Take fresh ones from `millrace secrets new`.'

/** The check that tells of a setting that can't be read. */
const checkOfSetting: Readonly<Record<string, CheckId>> = {
  DATABASE_URL: 'url',
  DATABASE_GATEWAY_URL: 'url',
  DATABASE_READ_URL: 'replica',
  DATABASE_READ_GATEWAY_URL: 'replica',
  AUTH_KEYS: 'secret.auth_keys',
  SETTINGS_KEYS: 'secret.settings_keys',
  BACKUP_RECIPIENTS: 'backup.encrypted',
  BACKUP_KEEP: 'backup.configured',
  BACKUP_IDENTITY: 'backup.drilled',
  EXECUTION_KEEP: 'executions.kept',
  REGISTRATION: 'registration.open',
}

/** Those of the settings that hold a secret and can be malformed. */
const secretVariables: ReadonlySet<string> = new Set(['DATABASE_URL', 'AUTH_KEYS', 'SETTINGS_KEYS'])

/** Which check tells of a setting's problem; undefined where none does. */
export function checkOf({ variable }: SettingProblem): CheckId | undefined {
  return checkOfSetting[variable]
}

/**
 * What the settings say to the production checklist: `url`, the gateway's part of `tls`, `secret.*`, and the problems of
 * all that could not be read.
 * @param settings as far as they could be read
 */
export function checkSettings(settings: Settings, problems: readonly SettingProblem[]): readonly Finding[] {
  const broken = problems.flatMap((problem) => {
    const id = checkOf(problem)
    return id === undefined ? [] : [problemFinding(id, problem)]
  })
  const told = new Set(broken.map(({ id }) => id))
  const unread = problems.map(({ variable }) => variable).filter((variable) => secretVariables.has(variable))
  const found = [
    ok('url', 'DATABASE_URL is valid.'),
    ...gatewayFindings(settings),
    // The replica's URL is read beside the database's own.
    ...(unread.includes('DATABASE_URL') ? [] : replicaFindings(settings)),
    keysFinding('secret.auth_keys', 'AUTH_KEYS', settings.authKeys, 'Nobody can log in without AUTH_KEYS.'),
    keysFinding(
      'secret.settings_keys',
      'SETTINGS_KEYS',
      settings.settingsKeys,
      'No secret can be kept in settings without SETTINGS_KEYS.',
    ),
    metricsFinding(settings.metricsTokens),
    reuseFinding(settings, [...new Set(unread)]),
    registrationFinding(settings),
  ]
  return [...broken, ...found.filter(({ id }) => !told.has(id))]
}

function problemFinding(id: CheckId, { variable, why, fix }: SettingProblem): Finding {
  return fail(id, `${variable}: ${why}`, fix)
}

function registrationFinding({ registration }: Settings): Finding {
  const id = 'registration.open'
  if (registration === 'closed') return ok(id, 'Registration is closed.')
  return warn(
    id,
    'Anyone who reaches the API can register.',
    'Set REGISTRATION=closed if only administrators should add users.',
  )
}

function gatewayFindings({ gatewayUrl }: Settings): readonly Finding[] {
  const { protocol, hostname } = new URL(gatewayUrl ?? 'https://none.invalid')
  if (protocol === 'https:' || isLoopback(hostname)) return []
  return [
    fail(
      'tls',
      'DATABASE_GATEWAY_URL is plain HTTP beyond this machine: statements, documents and the token cross in clear.',
      'Put the gateway behind HTTPS, and write DATABASE_GATEWAY_URL with `https://`.',
    ),
  ]
}

function replicaFindings({ readDatabase }: Settings): readonly Finding[] {
  return readDatabase === undefined ? [ok('replica', 'None is set: every read goes to the primary.')] : []
}

function keysFinding(
  id: 'secret.auth_keys' | 'secret.settings_keys',
  variable: string,
  keys: readonly NamedKey[],
  without: string,
): Finding {
  if (keys.length === 0) return fail(id, `${variable} is not set. ${without}`, freshSecrets)
  const weak = keys.filter(({ secret }) => new Set(secret).size < leastDistinctBytes).map(({ kid }) => kid)
  if (weak.length > 0) return fail(id, `${variable}: ${weak.join(', ')} is not a random key.`, freshSecrets)
  return ok(id, keys.length === 1 ? `${variable} has one key.` : `${variable} has ${keys.length} keys.`)
}

function metricsFinding(tokens: readonly string[]): Finding {
  const id = 'secret.metrics_token'
  if (tokens.length === 0) {
    return warn(id, 'METRICS_TOKEN is not set: /metrics answers 404, and nothing can watch the service.', freshSecrets)
  }
  if (tokens.some((token) => token.length < leastTokenLength || new Set(token).size < leastTokenLength / 2)) {
    return fail(id, 'METRICS_TOKEN is short enough to be guessed.', freshSecrets)
  }
  return ok(id, 'METRICS_TOKEN is set.')
}
