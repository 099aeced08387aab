import { parseSettings, type Environment, type ParsedSettings } from '@millrace/api/settings'
import { databaseBindings } from './database-bindings.ts'

/** The Worker's variables and secrets, and the bindings that lead to a database; other kinds are not settings. */
export function readEnvironment(env: Readonly<Record<string, unknown>>): ParsedSettings {
  const variables: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (typeof value === 'string') variables[name] = value
  }
  const environment: Environment = variables
  return parseSettings(environment, undefined, databaseBindings(env))
}
