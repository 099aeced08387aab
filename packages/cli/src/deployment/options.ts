import type { Command } from 'commander'
import { Failure } from '../failure.ts'

export interface PlaceOptions {
  readonly database?: string
  /** Of a deployment, in place of a database. */
  readonly url?: string
}

/** For commands that work on a deployment as well as on a database. */
export function withUrlOption(command: Command): Command {
  return command.option('--url <url>', 'use a deployment instead of a database; reads an API key from MILLRACE_API_KEY')
}

/** @throws Failure when both are given */
export function refuseTwoPlaces({ database, url }: PlaceOptions): void {
  if (!database || url === undefined) return
  throw new Failure('usage', {
    what: 'The arguments are wrong.',
    why: '--database and --url exclude each other.',
    fix: 'Give the database or the deployment; see `millrace --help`.',
  })
}
