import { InvalidArgumentError } from 'commander'
import type { Command } from 'commander'

/** A port, 0 to 65535; 0 asks for a free one. */
export function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('A port is a number from 0 to 65535.')
  return port
}

export function withDatabaseOption(command: Command): Command {
  return command.option(
    '--database <url>',
    'the database (default: DATABASE_URL from the environment or .env, else sqlite:///./workflows.db)',
  )
}
