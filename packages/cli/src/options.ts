import { InvalidArgumentError, type Command } from 'commander'

/** A port, 0 to 65535; 0 asks for a free one. */
export function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('A port is a number from 0 to 65535.')
  return port
}

/** For what may not be guessed: what a shell makes of a variable that is not set is empty. */
export function parseGiven(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It is empty. Is a variable of the shell not set?')
  return text
}

export function withDatabaseOption(command: Command): Command {
  return command.option(
    '--database <url>',
    'the database (default: DATABASE_URL from the environment or .env, else sqlite:///./workflows.db)',
  )
}
