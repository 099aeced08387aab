import { UrlFault } from './fault.ts'
import { nearestOf } from './nearest.ts'
import { isOptionName, knownOptionNames, type OptionName } from './option-names.ts'
import type { GivenOption, GivenOptions, OptionPart } from './parts.ts'
import { decodePart } from './percent.ts'
import { readTls } from './tls.ts'
import type { ConnectionOptions, TlsMode } from './target.ts'

/** The options by name, decoded: each known, each once. */
export function readOptions(parts: readonly OptionPart[]): GivenOptions {
  const given = new Map<OptionName, GivenOption>()
  for (const part of parts) {
    const { name } = part
    if (!isOptionName(name)) throw unknownOption(part)
    if (given.has(name)) throw repeatedOption(part)
    const value = decodePart(part.source, part.valueSpan, `option ${name}`)
    if (value === '' && name !== 'authToken') throw emptyOption(part)
    given.set(name, { value, part })
  }
  return given
}

function unknownOption(part: OptionPart): UrlFault {
  const { name } = nearestOf(part.name, knownOptionNames)
  return new UrlFault(
    part.nameSpan,
    'DATABASE_URL has an option that is not known',
    `The nearest known one is ${name}.`,
    `Write ${name} if you mean it, else leave the option out. Known are ${knownOptionNames.join(', ')}.`,
  )
}

function repeatedOption(part: OptionPart): UrlFault {
  return new UrlFault(
    part.nameSpan,
    `DATABASE_URL has the option ${part.name} twice`,
    'Only one of them can hold.',
    'Leave out one of them.',
  )
}

function emptyOption(part: OptionPart): UrlFault {
  return new UrlFault(
    part.span,
    `DATABASE_URL has the option ${part.name} without a value`,
    'An option is written name=value.',
    'Give it a value or leave it out.',
  )
}

interface NumberRule {
  readonly fallback: number
  readonly minimum: number
  readonly maximum: number
  readonly isWhole: boolean
  readonly words: string
}

const numberRules = {
  pool_size: { fallback: 5, minimum: 1, maximum: 1000, isWhole: true, words: 'a whole number from 1 to 1000' },
  max_overflow: { fallback: 10, minimum: 0, maximum: 1000, isWhole: true, words: 'a whole number from 0 to 1000' },
  pool_timeout: { fallback: 30, minimum: 0, maximum: 3600, isWhole: false, words: 'seconds, from 0 to 3600' },
  pool_recycle: {
    fallback: 3600,
    minimum: 1,
    maximum: 31_536_000,
    isWhole: true,
    words: 'whole seconds, from 1 to 31536000, or -1 for never',
  },
  connect_timeout: {
    fallback: 10,
    minimum: 0.001,
    maximum: 3600,
    isWhole: false,
    words: 'seconds, above 0, up to 3600',
  },
} satisfies Partial<Record<OptionName, NumberRule>>

/** The pool and TLS settings, with their defaults. `defaultTlsMode` holds where the URL says nothing of TLS. */
export function readConnectionOptions(given: GivenOptions, defaultTlsMode: TlsMode): ConnectionOptions {
  const pool = {
    poolSize: readNumber(given, 'pool_size'),
    maxOverflow: readNumber(given, 'max_overflow'),
    poolTimeoutSeconds: readNumber(given, 'pool_timeout'),
    poolRecycleSeconds: given.get('pool_recycle')?.value === '-1' ? -1 : readNumber(given, 'pool_recycle'),
    connectTimeoutSeconds: readNumber(given, 'connect_timeout'),
    poolPrePing: readFlag(given, 'pool_pre_ping'),
  }
  const tls = readTls(given, defaultTlsMode)
  refuseCharset(given)
  return { ...pool, ...tls }
}

function readNumber(given: GivenOptions, name: keyof typeof numberRules): number {
  const option = given.get(name)
  const rule: NumberRule = numberRules[name]
  if (option === undefined) return rule.fallback
  const isNumber = (rule.isWhole ? /^\d{1,9}$/ : /^\d{1,9}(?:\.\d{1,9})?$/).test(option.value)
  const value = Number(option.value)
  if (isNumber && value >= rule.minimum && value <= rule.maximum) return value
  throw new UrlFault(
    option.part.valueSpan,
    `DATABASE_URL's option ${name} has no value that it can have`,
    `It is ${rule.words}; ${rule.fallback} when left out.`,
    `Write ${name}=${rule.fallback}, or another number in the range.`,
  )
}

/** The words that SQLAlchemy's `asbool` takes. */
const flagWords: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'yes', 'on', 'y', 't', '1'].map((word) => [word, true] as const),
  ...['false', 'no', 'off', 'n', 'f', '0'].map((word) => [word, false] as const),
])

function readFlag(given: GivenOptions, name: 'pool_pre_ping'): boolean {
  const option = given.get(name)
  const flag = option === undefined ? false : flagWords.get(option.value.toLowerCase())
  if (option === undefined || flag !== undefined) return flag ?? false
  throw new UrlFault(
    option.part.valueSpan,
    `DATABASE_URL's option ${name} is neither true nor false`,
    'It says whether a pooled connection is tried before each use; false when left out.',
    `Write ${name}=true or ${name}=false.`,
  )
}

function refuseCharset(given: GivenOptions): void {
  const option = given.get('charset')
  if (option === undefined || option.value.toLowerCase() === 'utf8mb4') return
  throw new UrlFault(
    option.part.valueSpan,
    'DATABASE_URL asks for a character set other than utf8mb4',
    'Documents hold any Unicode character, and no other character set of MySQL keeps them all: its utf8 ends at three bytes.',
    'Write charset=utf8mb4 or leave the option out.',
  )
}
