import type { HyperdriveBinding } from '@millrace/db/url'

export interface SettingProblem {
  readonly variable: string
  /** What is wrong with it; never its value where that is a secret. */
  readonly why: string
  readonly fix: string
}

export type Environment = Readonly<Record<string, string | undefined>>

/** What the Worker has beside variables, as far as a database is reached by it. */
export interface DatabaseBindings {
  /** Whether a D1 database is bound under this name. */
  hasD1(binding: string): boolean
  /** The Hyperdrive binding of this name; undefined where there is none such. */
  hyperdrive(binding: string): HyperdriveBinding | undefined
}

/** Reads variables one by one, and gathers all that is wrong with them. An empty value counts as absent. */
export class EnvironmentReader {
  readonly problems: SettingProblem[] = []
  readonly notices: string[] = []
  readonly bindings: DatabaseBindings | undefined
  readonly #env: Environment

  constructor(env: Environment, bindings: DatabaseBindings | undefined) {
    this.#env = env
    this.bindings = bindings
  }

  text(variable: string): string | undefined {
    const value = this.#env[variable]
    return value === '' ? undefined : value
  }

  list(variable: string): readonly string[] {
    return (
      this.text(variable)
        ?.split(',')
        .map((item) => item.trim()) ?? []
    )
  }

  choice<Choice extends string>(variable: string, choices: readonly Choice[], otherwise: Choice): Choice {
    const value = this.text(variable)
    if (value === undefined) return otherwise
    const chosen = choices.find((choice) => choice === value)
    if (chosen === undefined)
      this.wrong(variable, 'it is not one of the allowed values', `Use ${choices.join(' or ')}.`)
    return chosen ?? otherwise
  }

  integer(variable: string, range: { least: number; most: number; otherwise: number }): number {
    const value = this.text(variable)
    if (value === undefined) return range.otherwise
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
    if (number >= range.least && number <= range.most) return number
    this.wrong(variable, 'it is not a whole number in its range', `Use ${range.least} to ${range.most}.`)
    return range.otherwise
  }

  wrong(variable: string, why: string, fix: string): void {
    this.problems.push({ variable, why, fix })
  }
}
