import { createHash } from 'node:crypto'
import { verifyPassword } from '@millrace/api/auth/password'
import { actorNames, type ActorName } from './actor.ts'
import type { Answered } from './stage.ts'

/** What a run left, in words that do not depend on the ids and times that it made. */
export interface Outcome {
  readonly answers: Readonly<Partial<Record<ActorName, string>>>
  /** Rows that were there before and are no more, or no more so. */
  readonly gone: readonly string[]
  /** Rows that were not there before, or not so. */
  readonly come: readonly string[]
}

export interface Left {
  readonly answers: ReadonlyMap<ActorName, Answered>
  /** Said of what an answer gave away, tried afterwards: whether its tokens work. */
  readonly probes: ReadonlyMap<ActorName, string>
  readonly rows: readonly string[]
}

export interface Baseline {
  readonly rows: readonly string[]
  readonly names: ReadonlyMap<string, string>
}

const anyUuid = /[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g
const times = [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?/g, /\b1[6-9]\d{11}\b/g]
const passwordHash = /\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}/g

/** Columns and members whose values are random, and mean nothing but that they are new. */
const random = [
  'refresh_sha256',
  'key_sha256',
  'prefix',
  'accessToken',
  'refreshToken',
  'last_used_at',
  'sealed',
  'ref',
  'token_sha256',
]
/** Also within a text of JSON, where quotes are escaped. */
const randomMember = new RegExp(`(\\\\?")(${random.join('|')})\\\\?":\\\\?"[^"\\\\]*\\\\?"`, 'g')

/** A claim that asks again marks what it gets with another number behind its id. */
const claimTry = /("last_op":"[0-9a-f-]{36})\.\d+/g

/** The operation that a worker's write leaves behind the mark of the claim. */
const workMark = /("last_op":"[^"+]*\+)[0-9a-f-]+/g

/** Passwords that the table of writes sets. */
const passwords = ['correct horse', 'new password', 'other password']

export async function outcomeOf({ answers, probes, rows }: Left, { rows: before, names }: Baseline): Promise<Outcome> {
  const old = new Set(before)
  const now = new Set(rows)
  const known = timesIn(before)
  const fresh = rows.filter((row) => !old.has(row) && !isCount(row))
  const hashes = await passwordsIn(fresh)
  const worded = (text: string) => withoutRandom(withoutTimes(withNames(text, names), known), hashes)
  const said = [...answers].map(
    ([name, answer]) => [name, worded(`${wordsOf(answer)}${probes.get(name) ?? ''}`)] as const,
  )
  const come = fresh.map((row) => worded(row))
  const labelled = labelIds([...said.map(([, text]) => text), ...come])
  return {
    answers: Object.fromEntries(said.map(([name], index) => [name, labelled[index] ?? ''])),
    gone: before
      .filter((row) => !now.has(row) && !isFree(row))
      .map((row) => withNames(row, names))
      .toSorted(),
    come: labelled.slice(said.length).toSorted(),
  }
}

/** Equal for outcomes that are. */
export function keyOf({ answers, gone, come }: Outcome): string {
  return JSON.stringify([actorNames.map((name) => answers[name]), gone, come])
}

/** What a client makes of an answer. */
function wordsOf({ status, headers, body }: Answered): string {
  const told = ['ETag', 'Location', 'Idempotency-Replayed'].flatMap((name) => {
    const value = headers.get(name)
    return value === null ? [] : [`${name}: ${value}`]
  })
  return [String(status), ...told, bodyWords(body)].filter((part) => part !== '').join(' | ')
}

/** Of a refusal its code: the words around it follow from that. */
function bodyWords(body: string): string {
  const code = /^\{"type":"urn:millrace:problem:[^{}]*"code":"(?<code>\w+)"/.exec(body)?.groups?.['code']
  return code ?? body
}

function withNames(text: string, names: ReadonlyMap<string, string>): string {
  return text.replaceAll(anyUuid, (id) => names.get(id) ?? id)
}

function timesIn(rows: readonly string[]): ReadonlySet<number> {
  const found = rows.flatMap((row) => times.flatMap((pattern) => row.match(pattern) ?? []))
  return new Set(found.map(millisecondsOf))
}

function millisecondsOf(text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  const plain = text.replace(' ', 'T').replace(/(?:Z|\+00:00)$/, '')
  return Date.parse(`${plain}Z`)
}

/** A time that the world has stands as it is; another is one of the run. */
function withoutTimes(text: string, known: ReadonlySet<number>): string {
  let worded = text
  for (const pattern of times) {
    worded = worded.replaceAll(pattern, (time) => (known.has(millisecondsOf(time)) ? time : 'T'))
  }
  return worded
}

function withoutRandom(text: string, hashes: ReadonlyMap<string, string>): string {
  return text
    .replaceAll(claimTry, '$1')
    .replaceAll(workMark, '$1*')
    .replaceAll(randomMember, '"$2":"*"')
    .replaceAll(/mr_[\w-]+/g, 'mr_*')
    .replaceAll(passwordHash, (hash) => `hash of ${hashes.get(hash) ?? 'another'}`)
}

/** A key older than 24 hours is free, whether its row is there or not: whoever comes first removes it. */
function isFree(row: string): boolean {
  return row.startsWith('idempotency_keys ') && row.includes('"idempotency_key":"old"')
}

/**
 * What limits count, which is attempts and not what they did: a request that is sent again counts again, and rows that
 * stand for nothing are locked to queue behind each other. test/races/limits.test.ts holds the limits.
 */
function isCount(row: string): boolean {
  return row.startsWith('login_attempts ')
}

/** Salts are random: a hash is told by the password that it is of. */
async function passwordsIn(rows: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const hash of rows.flatMap((row) => row.match(passwordHash) ?? [])) {
    for (const password of passwords) if (await verifyPassword(password, hash, 4)) found.set(hash, password)
  }
  return found
}

/**
 * Gives ids that a run made labels by where they stand: by colour refinement, as isomorphism of graphs is tested. Two
 * runs that differ in nothing but their ids get the same text.
 */
function labelIds(lines: readonly string[]): readonly string[] {
  const idsOf: readonly (readonly string[])[] = lines.map((line) => line.match(anyUuid) ?? [])
  let colours = new Map([...new Set(idsOf.flat())].map((id) => [id, 'id']))
  const recoloured = (line: string, self?: string) =>
    line.replaceAll(anyUuid, (id) => (id === self ? '<self>' : `<${colours.get(id) ?? ''}>`))
  for (let round = 0; round < 3; round += 1) {
    const next = [...colours.keys()].map((id) => {
      const standing = lines.filter((_, index) => idsOf[index]?.includes(id) === true)
      const seen = standing.map((line) => recoloured(line, id)).toSorted()
      return [id, createHash('sha1').update(seen.join('\n')).digest('hex').slice(0, 6)] as const
    })
    colours = new Map(next)
  }
  return lines.map((line) => recoloured(line))
}
