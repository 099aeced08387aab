/** What is limited, by the names of `RATE_LIMITS`. */
export const rateLimitNames = ['registrations', 'login_name_network', 'login_name', 'login_network', 'shares'] as const
export type RateLimitName = (typeof rateLimitNames)[number]

/** How many of each are let through within its time. */
export type RateLimits = Readonly<Record<RateLimitName, number>>

export const defaultRateLimits: RateLimits = {
  registrations: 20,
  login_name_network: 5,
  login_name: 50,
  login_network: 100,
  shares: 100,
}

/** What an attempt is of; each kind is counted by itself. `lookup`: a name typed in a transfer that nobody has. */
export type AttemptKind = 'login' | 'register' | 'share' | 'recover' | 'lookup'

/** At most so many attempts of a kind within that time, by those of its keys that it counts by. */
export interface Limit {
  readonly name: RateLimitName
  readonly most: number
  readonly withinMilliseconds: number
  readonly by: readonly ('nameKey' | 'network')[]
}

const quarterHourMilliseconds = 15 * 60 * 1000
const hourMilliseconds = 60 * 60 * 1000

interface LimitRule {
  readonly name: RateLimitName
  readonly withinMilliseconds: number
  readonly by: Limit['by']
}

/** Guesses: of a password, of an address, of a username. */
const guessing: readonly [LimitRule, ...LimitRule[]] = [
  { name: 'login_name_network', withinMilliseconds: quarterHourMilliseconds, by: ['nameKey', 'network'] },
  { name: 'login_name', withinMilliseconds: quarterHourMilliseconds, by: ['nameKey'] },
  { name: 'login_network', withinMilliseconds: quarterHourMilliseconds, by: ['network'] },
]

const rules: Readonly<Record<AttemptKind, readonly [LimitRule, ...LimitRule[]]>> = {
  login: guessing,
  recover: guessing,
  lookup: guessing,
  register: [{ name: 'registrations', withinMilliseconds: hourMilliseconds, by: ['network'] }],
  share: [{ name: 'shares', withinMilliseconds: hourMilliseconds, by: ['nameKey'] }],
}

/** The limits of a kind, with the numbers that are set. */
export function limitsOf(kind: AttemptKind, rates: RateLimits): readonly [Limit, ...Limit[]] {
  const limitOf = (rule: LimitRule): Limit => ({ ...rule, most: rates[rule.name] })
  const [first, ...others] = rules[kind]
  return [limitOf(first), ...others.map(limitOf)]
}
