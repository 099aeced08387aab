import { scopes as allScopes } from '@millrace/api/scopes'
import type { Command } from 'commander'
import type { AddCommand } from '../command.ts'
import { chooseDatabase, connectReady } from '../connection.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { withDatabaseOption } from '../options.ts'
import { printable } from '../printable.ts'
import type { ApiKeyView } from '../api-keys.ts'

interface KeyOptions {
  readonly database?: string
}

interface NewOptions extends KeyOptions {
  readonly owner: string
  readonly scopes: string
  readonly expires?: string
}

interface ListOptions extends KeyOptions {
  readonly owner?: string
}

const newExamples = `
Prints the key once, on standard output and nothing else. Only its SHA-256 is stored. The key acts as its owner, limited
to its scopes:
  read     every GET
  write    every change, and reading
  worker   claim and work executions
  secrets  reveal the secrets in settings
  admin    what only administrators may do, if the owner is one

Examples:
  millrace api-key new worker-1 --owner ada --scopes worker
  millrace api-key new ci --owner ada --scopes read,write --expires 2027-01-31T00:00:00Z
  MILLRACE_API_KEY=$(millrace api-key new backups --owner ada --scopes admin)`

export const apiKeyCommand: AddCommand = (parent: Command, run) => {
  const apiKey = parent.command('api-key').description('create, list and delete API keys')
  apiKey.addHelpText('after', '\nExamples:\n  millrace api-key new ci --owner ada --scopes read,write')
  withDatabaseOption(apiKey.command('new <name>').description('create an API key and print it once'))
    .requiredOption('--owner <user>', 'the user that the key acts as (required)')
    .requiredOption('--scopes <list>', `any of ${allScopes.join(', ')}, separated by commas (required)`)
    .option('--expires <at>', 'when the key expires, such as 2027-01-31T00:00:00Z (default: never)')
    .addHelpText('after', newExamples)
    .action((name: string, options: NewOptions) => run((context) => make(context, name, options)))
  withDatabaseOption(apiKey.command('list').description('list API keys, newest first'))
    .option('--owner <user>', 'only the keys of this user')
    .addHelpText(
      'after',
      '\nExamples:\n  millrace api-key list\n  millrace api-key list --owner ada --json | jq -r ".items[].id"',
    )
    .action((options: ListOptions) => run((context) => list(context, options)))
  withDatabaseOption(apiKey.command('remove <id>').description('delete an API key; it stops working at once'))
    .addHelpText('after', '\nExamples:\n  millrace api-key remove 01a20de7-1ade-7794-bb7e-74abedd65e30')
    .action((id: string, options: KeyOptions) => run((context) => remove(context, id, options)))
}

async function make(context: Context, name: string, options: NewOptions): Promise<number> {
  const { expires, scopes } = options
  const wanted = {
    name,
    scopes: scopes
      .split(',')
      .map((scope) => scope.trim())
      .filter((scope) => scope !== ''),
    ...(expires !== undefined && { expiresAt: expires }),
  }
  const { newApiKey } = await import('@millrace/api/routes/api-keys/contract')
  const checked = newApiKey.safeParse(wanted)
  if (!checked.success) {
    throw invalid(checked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'))
  }
  const expiresAt = checked.data.expiresAt ?? null
  if (expiresAt !== null && expiresAt <= new Date()) throw invalid('expiresAt: must be in the future')
  const { store, keys } = await open(context, options)
  const { key, ...view } = await keys.makeKey(store, { ...checked.data, expiresAt, owner: options.owner })
  // Alone on standard output, so that a shell can take it.
  if (!context.output.isJson) context.output.note(`Made for ${printable(view.username)}. It is not shown again.`)
  context.output.result({ ...view, key }, key)
  return 0
}

function invalid(why: string): Failure {
  return new Failure('validation_failed', {
    what: 'The API key cannot be made as asked for.',
    why,
    fix: `Use a name of 1 to 100 characters, scopes among ${allScopes.join(', ')}, and a time in the future.`,
  })
}

async function list(context: Context, options: ListOptions): Promise<number> {
  const { store, keys } = await open(context, options)
  const items = await keys.listKeys(store, options.owner)
  context.output.result({ items }, items.length === 0 ? 'No API keys yet.' : items.map(keyLine).join('\n'))
  return 0
}

async function remove(context: Context, id: string, options: KeyOptions): Promise<number> {
  const { store, keys } = await open(context, options)
  const removed = await keys.removeKey(store, id)
  context.output.result(
    removed,
    `Deleted the API key ${printable(removed.name)} (${printable(removed.prefix)}…) of ${printable(removed.username)}.`,
  )
  return 0
}

async function open(context: Context, { database }: KeyOptions) {
  const connection = await connectReady(context, chooseDatabase(context, database))
  return { store: connection.database.store(), keys: await import('../api-keys.ts') }
}

function keyLine({ id, username, name, scopes, prefix, expiresAt, lastUsedAt }: ApiKeyView): string {
  const marks = [
    ...(expiresAt === null ? [] : [`expires ${expiresAt.toISOString()}`]),
    lastUsedAt === null ? 'never used' : `used ${lastUsedAt.toISOString()}`,
  ]
  return [id, printable(username), printable(name), scopes.join(','), `${prefix}…`, marks.join(', ')].join('  ')
}
