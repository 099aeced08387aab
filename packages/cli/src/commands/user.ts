import { hashPassword } from '@millrace/api/auth/password'
import { newId } from '@millrace/api/ids'
import { parseSettings } from '@millrace/api/settings'
import { nameKey } from '@millrace/db/names'
import { listUsers, setDisabled, setPassword } from '@millrace/db/repositories/user-administration'
import { findLogin, registerUser } from '@millrace/db/repositories/users'
import type { UserView } from '@millrace/db/repositories/users'
import type { Store } from '@millrace/db/store'
import type { Command } from 'commander'
import { checkNames, checkPassword } from '../account-rules.ts'
import { chooseDatabase, connect, refuseMissingFile } from '../connection.ts'
import type { ChosenDatabase } from '../connection.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { withDatabaseOption } from '../options.ts'
import { readNewPassword } from '../passwords.ts'
import { printable } from '../printable.ts'
import type { AddCommand } from '../command.ts'

interface UserOptions {
  readonly database?: string
}

interface AddOptions extends UserOptions {
  readonly email: string
  readonly admin?: boolean
}

const passwordSource = `
The password is asked for at a terminal, else read from standard input (one line); never from an argument.`

export const userCommand: AddCommand = (parent: Command, run) => {
  const user = parent.command('user').description('add, list, disable and enable users, and set their passwords')
  withDatabaseOption(user.command('add <name>').description('add a user'))
    .requiredOption('--email <address>', 'the email address')
    .option('--admin', 'give the role admin: everything on everything')
    .addHelpText(
      'after',
      `${passwordSource}

Examples:
  millrace user add ada --email ada@example.com --admin
  printf '%s\\n' "$PASSWORD" | millrace user add ada --email ada@example.com --json`,
    )
    .action((name: string, options: AddOptions) => run((context) => add(context, name, options)))
  withDatabaseOption(user.command('list').description('list all users, oldest first'))
    .addHelpText('after', '\nExamples:\n  millrace user list\n  millrace user list --json | jq -r ".items[].username"')
    .action((options: UserOptions) => run((context) => list(context, options)))
  withDatabaseOption(user.command('disable <name>').description('refuse a user from the next request on'))
    .addHelpText('after', '\nExamples:\n  millrace user disable ada')
    .action((name: string, options: UserOptions) => run((context) => changeStanding(context, name, options, true)))
  withDatabaseOption(user.command('enable <name>').description('let a disabled user in again'))
    .addHelpText('after', '\nExamples:\n  millrace user enable ada')
    .action((name: string, options: UserOptions) => run((context) => changeStanding(context, name, options, false)))
  withDatabaseOption(
    user.command('password <name>').description('set a new password, and end all sessions of the user'),
  )
    .addHelpText(
      'after',
      `${passwordSource}

Examples:
  millrace user password ada
  printf '%s\\n' "$PASSWORD" | millrace user password ada`,
    )
    .action((name: string, options: UserOptions) => run((context) => changePassword(context, name, options)))
}

async function add(context: Context, name: string, options: AddOptions): Promise<number> {
  const { username, email } = checkNames(name, options.email)
  const chosen = chooseExisting(context, options)
  const bcryptCost = readBcryptCost(context, chosen)
  const password = checkPassword(await readNewPassword(context, username))
  const { database } = await connect(context, chosen)
  const createdAt = new Date()
  const user = {
    id: newId(createdAt),
    username,
    email,
    role: options.admin === true ? 'admin' : 'user',
    createdAt,
  } as const
  const passwordHash = await hashPassword(password, bcryptCost)
  const row = { ...user, usernameKey: nameKey(username), emailKey: nameKey(email), passwordHash }
  const outcome = await registerUser(database.store(), row, undefined)
  if (!outcome.ok) throw takenFailure(outcome.refusal, user)
  const role = user.role === 'admin' ? 'administrator' : 'user'
  context.output.result(viewOf({ ...user, disabledAt: null }), `Added the ${role} ${username} (${user.id}).`)
  return 0
}

async function list(context: Context, options: UserOptions): Promise<number> {
  const { database } = await connect(context, chooseExisting(context, options))
  const users = await listUsers(database.store())
  const words = users.length === 0 ? 'No users yet.' : users.map(userLine).join('\n')
  context.output.result({ items: users.map(viewOf) }, words)
  return 0
}

async function changeStanding(
  context: Context,
  name: string,
  options: UserOptions,
  isDisabled: boolean,
): Promise<number> {
  const { database } = await connect(context, chooseExisting(context, options))
  const store = database.store()
  const user = await findUser(store, name)
  const at = new Date()
  // Who is disabled already stays so from the first moment.
  const disabledAt = isDisabled ? (user.disabledAt ?? at) : null
  await setDisabled(store, { id: user.id, disabledAt, at })
  const words = `${user.username} is ${isDisabled ? 'disabled' : 'enabled'}.`
  context.output.result(viewOf({ ...user, disabledAt }), words)
  return 0
}

async function changePassword(context: Context, name: string, options: UserOptions): Promise<number> {
  const chosen = chooseExisting(context, options)
  const bcryptCost = readBcryptCost(context, chosen)
  const password = checkPassword(await readNewPassword(context, name))
  const { database } = await connect(context, chosen)
  const store = database.store()
  const user = await findUser(store, name)
  await setPassword(store, { id: user.id, passwordHash: await hashPassword(password, bcryptCost), at: new Date() })
  context.output.result(viewOf(user), `${user.username} has a new password; every session from before has ended.`)
  return 0
}

function chooseExisting(context: Context, options: UserOptions): ChosenDatabase {
  const chosen = chooseDatabase(context, options.database)
  refuseMissingFile(chosen)
  return chosen
}

function readBcryptCost(context: Context, { url }: ChosenDatabase): number {
  const { BCRYPT_COST } = context.environment()
  const parsed = parseSettings({ DATABASE_URL: url, BCRYPT_COST }, {})
  if (parsed.ok) return parsed.settings.bcryptCost
  throw new Failure('settings_invalid', {
    what: 'BCRYPT_COST is wrong.',
    why: parsed.problems.map(({ why }) => why).join('\n'),
    fix: parsed.problems.map(({ fix }) => fix).join('\n'),
  })
}

/** The user of that name, or of that email as for a log-in. */
export async function findUser(store: Store, name: string): Promise<UserView> {
  const user = await findLogin(store, nameKey(name))
  if (user !== undefined) return user
  throw new Failure('not_found', {
    what: `There is no user ${printable(name)}.`,
    why: 'No username and no email in this database is that name, ignoring case.',
    fix: 'See the names with `millrace user list`, or add the user with `millrace user add`.',
  })
}

function takenFailure(
  code: 'username_taken' | 'email_taken',
  { username, email }: UserView | Omit<UserView, 'disabledAt'>,
): Failure {
  const [what, name] = code === 'username_taken' ? ['username', username] : ['email', email]
  return new Failure(code, {
    what: `The ${what} ${printable(name)} is taken.`,
    why: 'Another user has it, ignoring case.',
    fix: 'Choose another one, or set a new password with `millrace user password`.',
  })
}

/** A user as API.md has it, in its order, with `disabledAt`. */
function viewOf({ id, username, email, role, createdAt, disabledAt }: UserView): UserView {
  return { id, username, email, role, createdAt, disabledAt }
}

function userLine({ id, username, email, role, disabledAt }: UserView): string {
  const marks = [...(role === 'admin' ? ['admin'] : []), ...(disabledAt === null ? [] : ['disabled'])]
  return [id, printable(username), printable(email), marks.join(', ')].join('  ').trimEnd()
}
