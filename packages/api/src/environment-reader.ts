import type { DatabaseBindings, Environment, SettingProblem } from './settings.ts'

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
