import { parseDatabaseUrl, type Target } from '@millrace/db/url'
import {
  defaultRateLimits,
  rateLimitNames,
  type RateLimitName,
  type RateLimits,
} from '@millrace/db/repositories/accounts/rate-limits'
import { fromBase64url } from './base64url.ts'
import { parseCidr, type Cidr } from './cidr.ts'
import {
  EnvironmentReader,
  type DatabaseBindings,
  type Environment,
  type SettingProblem,
} from './environment-reader.ts'

export type { DatabaseBindings, Environment, SettingProblem } from './environment-reader.ts'

/** A key of AUTH_KEYS or SETTINGS_KEYS. */
export interface NamedKey {
  readonly kid: string
  readonly secret: Uint8Array<ArrayBuffer>
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** How many backups are kept for each length of time, of `BACKUP_KEEP`. */
export interface BackupKeep {
  readonly days: number
  readonly weeks: number
  readonly months: number
}

/** The whole environment (docs/contract/cli.md, "Environment"), parsed. */
export interface Settings {
  readonly database: Target
  readonly readDatabase: Target | undefined
  readonly gatewayUrl: string | undefined
  /** Of the gateway before `readDatabase`; it demands the same token. */
  readonly readGatewayUrl: string | undefined
  readonly gatewayToken: string | undefined
  /** The first signs, all verify. */
  readonly authKeys: readonly NamedKey[]
  readonly settingsKeys: readonly NamedKey[]
  /** Any of them opens /metrics: two while one is rotated. None: there is no /metrics. */
  readonly metricsTokens: readonly string[]
  readonly backupRecipients: readonly string[]
  readonly backupKeep: BackupKeep
  readonly backupIdentity: string | undefined
  /** How long ended executions are kept, of `EXECUTION_KEEP`; undefined: for ever. */
  readonly executionKeepMilliseconds: number | undefined
  /** How long audit events are kept, of `AUDIT_KEEP`. */
  readonly auditKeepMilliseconds: number
  readonly registration: 'open' | 'closed'
  readonly rateLimits: RateLimits
  /** Where tokens for forgotten passwords go; undefined: there is no such thing. */
  readonly mailWebhook: MailWebhook | undefined
  readonly bcryptCost: number
  readonly maxBodyBytes: number
  /** Origins as browsers send them, or `*` alone. */
  readonly corsOrigins: readonly string[]
  readonly trustedProxies: readonly Cidr[]
  readonly logLevel: LogLevel
  readonly slowQueryMilliseconds: number
}

export type ParsedSettings =
  | { readonly ok: true; readonly settings: Settings; readonly notices: readonly string[] }
  | { readonly ok: false; readonly problems: readonly SettingProblem[] }

/** Receives what is to be mailed, signed as Standard Webhooks say. */
export interface MailWebhook {
  readonly url: string
  readonly secret: Uint8Array<ArrayBuffer>
}

/** What the caller can't do without, beside DATABASE_URL. Functions need all; a command only what it uses. */
export interface SettingsNeeds {
  readonly needsAuthKeys?: boolean
  /** DATABASE_GATEWAY_URL, where the database is one that is reached through the gateway; for a replica likewise. */
  readonly needsGateway?: boolean
  /** The option that the value of DATABASE_URL was given by, as errors and notices name it. */
  readonly databaseGivenBy?: string | undefined
}

/**
 * Parses all of the environment in one pass and lists all that is wrong with it. An empty value counts as absent.
 * Functions need everything that `needs` can name, which is its default.
 * @param bindings of the Worker; undefined elsewhere, where Hyperdrive is refused and D1 reached by other ways
 */
export function parseSettings(
  env: Environment,
  needs: SettingsNeeds = { needsAuthKeys: true, needsGateway: true },
  bindings?: DatabaseBindings,
): ParsedSettings {
  const reader = new EnvironmentReader(env, bindings)
  const database = readDatabase(reader, 'DATABASE_URL', needs.databaseGivenBy)
  const replica = readReplica(reader, database)
  const needsGateway = needs.needsGateway === true
  const settings = {
    readDatabase: replica,
    gatewayUrl: readGatewayUrl(reader, 'DATABASE_GATEWAY_URL', needsGateway ? database : undefined),
    readGatewayUrl: readGatewayUrl(reader, 'DATABASE_READ_GATEWAY_URL', needsGateway ? replica : undefined),
    gatewayToken: reader.text('DATABASE_GATEWAY_TOKEN'),
    authKeys: readAuthKeys(reader, needs.needsAuthKeys === true),
    settingsKeys: readKeys(reader, 'SETTINGS_KEYS', (bytes) => bytes === 32, 'exactly 32 bytes'),
    metricsTokens: reader.list('METRICS_TOKEN').filter((token) => token !== ''),
    backupRecipients: readRecipients(reader),
    backupKeep: readBackupKeep(reader),
    backupIdentity: readIdentity(reader),
    executionKeepMilliseconds: readKeep(reader, 'EXECUTION_KEEP'),
    auditKeepMilliseconds: readKeep(reader, 'AUDIT_KEEP') ?? 400 * dayMilliseconds,
    registration: reader.choice('REGISTRATION', ['open', 'closed'], 'open'),
    rateLimits: readRateLimits(reader),
    mailWebhook: readMailWebhook(reader),
    bcryptCost: reader.integer('BCRYPT_COST', { least: 4, most: 31, otherwise: 10 }),
    maxBodyBytes: reader.integer('MAX_BODY_BYTES', { least: 1024, most: 104_857_600, otherwise: 1_048_576 }),
    corsOrigins: readOrigins(reader),
    trustedProxies: readProxies(reader),
    logLevel: reader.choice('LOG_LEVEL', ['debug', 'info', 'warn', 'error'], 'info'),
    slowQueryMilliseconds: reader.integer('SLOW_QUERY_MS', { least: 0, most: 3_600_000, otherwise: 200 }),
  } as const
  if (database?.via === 'd1' && settings.maxBodyBytes > mostBytesOfD1) {
    reader.wrong('MAX_BODY_BYTES', 'a row of D1 has 2 MB at most', `Use ${mostBytesOfD1} or less, or another database.`)
  }
  if (database === undefined || reader.problems.length > 0) return { ok: false, problems: reader.problems }
  return { ok: true, settings: { database, ...settings }, notices: reader.notices }
}

/** Of a document, so that the rest of its row finds room: https://developers.cloudflare.com/d1/platform/limits/ */
const mostBytesOfD1 = 1_900_000

function readDatabase(
  reader: EnvironmentReader,
  variable: 'DATABASE_URL' | 'DATABASE_READ_URL',
  givenBy: string = variable,
): Target | undefined {
  const url = reader.text(variable)
  if (url === undefined) {
    reader.wrong(variable, 'it is not set', 'Set it to the URL of the database, such as sqlite:///./workflows.db.')
    return undefined
  }
  const { bindings } = reader
  const parsed = parseDatabaseUrl(url, {
    DATABASE_AUTH_TOKEN: reader.text('DATABASE_AUTH_TOKEN'),
    hyperdrive: bindings && ((binding) => bindings.hyperdrive(binding)),
    givenBy,
  })
  if (!parsed.ok) {
    reader.wrong(variable, `${parsed.error.what}\n${parsed.error.why}`, parsed.error.fix)
    return undefined
  }
  const { target } = parsed
  if (target.via === 'd1' && bindings?.hasD1(target.binding) === false) {
    reader.wrong(
      variable,
      `it names ${target.binding}, and no D1 database is bound to the Worker under this name`,
      'Correct the name, or add [[d1_databases]] with this binding to wrangler.toml.',
    )
    return undefined
  }
  reader.notices.push(...parsed.notices)
  return target
}

function readReplica(reader: EnvironmentReader, primary: Target | undefined): Target | undefined {
  if (reader.text('DATABASE_READ_URL') === undefined) return undefined
  const replica = readDatabase(reader, 'DATABASE_READ_URL')
  if (replica !== undefined && primary !== undefined && replica.dialect !== primary.dialect) {
    reader.wrong(
      'DATABASE_READ_URL',
      `it leads to ${replica.dialect}, DATABASE_URL to ${primary.dialect}`,
      'Use a replica of the same database.',
    )
  }
  return replica
}

/** @param target What has to be reached through it, where anything has to. */
function readGatewayUrl(
  reader: EnvironmentReader,
  variable: 'DATABASE_GATEWAY_URL' | 'DATABASE_READ_GATEWAY_URL',
  target: Target | undefined,
): string | undefined {
  const text = reader.text(variable)
  if (text === undefined) {
    if (target?.via === 'file' || target?.via === 'gateway') {
      const which = variable === 'DATABASE_GATEWAY_URL' ? 'this database' : 'the replica of DATABASE_READ_URL'
      reader.wrong(
        variable,
        `it is not set, and ${which} has no HTTP endpoint of its own`,
        'Run `millrace gateway` beside the database and set this to its URL.',
      )
    }
    return undefined
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '')
    return url.origin
  reader.wrong(
    variable,
    'it is not an http(s) URL without a path',
    'Use what `millrace gateway` prints, such as http://127.0.0.1:8789.',
  )
  return undefined
}

function readAuthKeys(reader: EnvironmentReader, isNeeded: boolean): readonly NamedKey[] {
  if (isNeeded && reader.text('AUTH_KEYS') === undefined) {
    reader.wrong('AUTH_KEYS', 'it is not set', 'Set it to the AUTH_KEYS that `millrace secrets new` prints.')
  }
  return readKeys(reader, 'AUTH_KEYS', (bytes) => bytes >= 32, '32 bytes or more')
}

function readKeys(
  reader: EnvironmentReader,
  variable: string,
  isLongEnough: (bytes: number) => boolean,
  length: string,
): readonly NamedKey[] {
  const keys: NamedKey[] = []
  for (const [position, item] of reader.list(variable).entries()) {
    const [, kid, encoded] = /^([A-Za-z0-9._-]{1,64}):(.+)$/.exec(item) ?? []
    const secret = encoded === undefined ? undefined : fromBase64url(encoded.replace(/={1,2}$/, ''))
    const which = `key ${position + 1}`
    const fix = 'Use `kid:base64url` entries with commas between, as `millrace secrets new` prints them.'
    if (kid === undefined || secret === undefined) reader.wrong(variable, `${which} is not kid:base64url`, fix)
    else if (!isLongEnough(secret.length)) reader.wrong(variable, `${which} does not decode to ${length}`, fix)
    else if (keys.some((key) => key.kid === kid)) reader.wrong(variable, `${which} repeats the kid "${kid}"`, fix)
    else keys.push({ kid, secret })
  }
  return keys
}

const mostOfLimit = 1_000_000

/** `name=count` entries, any of the names; the others keep their defaults. */
function readRateLimits(reader: EnvironmentReader): RateLimits {
  const limits: Record<RateLimitName, number> = { ...defaultRateLimits }
  const items = reader.text('RATE_LIMITS') === undefined ? [] : reader.list('RATE_LIMITS')
  const given = new Set<RateLimitName>()
  for (const item of items) {
    const [, name, count] = /^([a-z_]+)=(\d{1,7})$/.exec(item) ?? []
    const known = rateLimitNames.find((one) => one === name)
    const most = Number(count)
    if (known === undefined || most < 1 || most > mostOfLimit || given.has(known)) {
      reader.wrong(
        'RATE_LIMITS',
        `"${item}" is not a known limit with its number, given once`,
        `Use name=1 to name=${mostOfLimit} with commas between; the names are ${rateLimitNames.join(', ')}.`,
      )
    } else {
      given.add(known)
      limits[known] = most
    }
  }
  return limits
}

const leastWebhookSecretBytes = 24

function readMailWebhook(reader: EnvironmentReader): MailWebhook | undefined {
  const url = reader.text('MAIL_WEBHOOK_URL')
  const written = reader.text('MAIL_WEBHOOK_SECRET')
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(written ?? '')?.[1]
  const secret =
    encoded === undefined
      ? undefined
      : fromBase64url(encoded.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''))
  const isSecretSound = secret !== undefined && secret.length >= leastWebhookSecretBytes
  const secretFix = `Use whsec_ and the base64 of ${leastWebhookSecretBytes} or more random bytes, as the receiver has it.`
  if (url === undefined) {
    if (written !== undefined && !isSecretSound) {
      reader.wrong('MAIL_WEBHOOK_SECRET', 'it is not a secret of Standard Webhooks', secretFix)
    }
    return undefined
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.password !== '') {
    reader.wrong(
      'MAIL_WEBHOOK_URL',
      'it is not an http(s) URL without user and password',
      'Use the URL of the service that sends your mail, such as https://mail.example.com/hooks/millrace.',
    )
  }
  if (!isSecretSound) {
    const why =
      written === undefined ? 'it is not set, and MAIL_WEBHOOK_URL is' : 'it is not a secret of Standard Webhooks'
    reader.wrong('MAIL_WEBHOOK_SECRET', why, secretFix)
  }
  return parsed === undefined || secret === undefined ? undefined : { url: parsed.href, secret }
}

function readRecipients(reader: EnvironmentReader): readonly string[] {
  const recipients = reader.list('BACKUP_RECIPIENTS')
  if (!recipients.every((recipient) => /^age1[0-9a-z]{20,}$/.test(recipient))) {
    reader.wrong('BACKUP_RECIPIENTS', 'an entry is not an age recipient', 'Use `age1…` entries with commas between.')
  }
  return recipients
}

function readIdentity(reader: EnvironmentReader): string | undefined {
  const identity = reader.text('BACKUP_IDENTITY')?.trim()
  if (identity !== undefined && !/^AGE-SECRET-KEY-[0-9A-Z-]{20,}$/.test(identity)) {
    reader.wrong('BACKUP_IDENTITY', 'it is not an age identity', 'Use the `AGE-SECRET-KEY-…` line of the identity.')
  }
  return identity
}

function readBackupKeep(reader: EnvironmentReader): BackupKeep {
  const keep = { days: 0, weeks: 0, months: 0 }
  const units = { d: 'days', w: 'weeks', m: 'months' } as const
  const items = reader.list('BACKUP_KEEP')
  if (items.length === 0) return { days: 7, weeks: 4, months: 12 }
  for (const item of items) {
    const [, count, unit] = /^(\d{1,4})([dwm])$/.exec(item) ?? []
    if (count !== undefined && (unit === 'd' || unit === 'w' || unit === 'm')) keep[units[unit]] = Number(count)
    else reader.wrong('BACKUP_KEEP', `"${item}" is not a count with a unit`, 'Use entries such as 7d,4w,12m.')
  }
  return keep
}

const dayMilliseconds = 86_400_000
const keepUnits: Readonly<Record<string, number>> = {
  h: dayMilliseconds / 24,
  d: dayMilliseconds,
  w: 7 * dayMilliseconds,
}

/** How long rows are kept: a number of hours, days or weeks; undefined where it is not said. */
function readKeep(reader: EnvironmentReader, variable: 'EXECUTION_KEEP' | 'AUDIT_KEEP'): number | undefined {
  const text = reader.text(variable)?.trim()
  if (text === undefined) return undefined
  const [, count, unit = ''] = /^([1-9]\d{0,4})([hdw])$/.exec(text) ?? []
  const milliseconds = keepUnits[unit]
  if (milliseconds !== undefined) return Number(count) * milliseconds
  reader.wrong(variable, `"${text}" is not a length of time`, 'Use a number of hours, days or weeks, such as 30d.')
  return undefined
}

function readOrigins(reader: EnvironmentReader): readonly string[] {
  const origins = reader.list('CORS_ORIGINS')
  const isAnyone = origins.length === 1 && origins[0] === '*'
  for (const origin of isAnyone ? [] : origins) {
    if (!isOrigin(origin)) {
      reader.wrong(
        'CORS_ORIGINS',
        `"${origin}" is not a valid origin`,
        'Use https://host[:port] without a path, https://host:* for any port, or * alone.',
      )
    }
  }
  return origins
}

function isOrigin(text: string): boolean {
  // A port of `*` is any port; the default one too.
  const plain = text.replace(/:\*$/, '')
  return URL.canParse(plain) && new URL(plain).origin === plain
}

function readProxies(reader: EnvironmentReader): readonly Cidr[] {
  const networks: Cidr[] = []
  for (const item of reader.list('TRUSTED_PROXIES')) {
    const network = parseCidr(item)
    if (network !== undefined) networks.push(network)
    else reader.wrong('TRUSTED_PROXIES', `"${item}" is not a network`, 'Use CIDRs such as 10.0.0.0/8 or 2001:db8::/32.')
  }
  return networks
}
