import type { UserView } from '@millrace/db/repositories/accounts/users'
import type { Role } from '@millrace/db/schema/schema'
import { Argument, type Command } from 'commander'
import { chooseDatabase, connectReady, refuseMissing, type ChosenDatabase } from '../connection.ts'
import type { Context } from '../context.ts'
import { withOneSetting } from '../one-setting.ts'
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

const roles: readonly Role[] = ['admin', 'user']

const passwordSource = `
Asks for the password on a terminal; otherwise reads one line from standard input. Passwords are never arguments.`

export const userCommand: AddCommand = (parent: Command, run) => {
  const user = parent
    .command('user')
    .description('add, list, disable, enable and remove users, set their roles and passwords')
    .addHelpText('after', '\nExamples:\n  millrace user add ada --email ada@example.com --admin\n  millrace user list')
  withDatabaseOption(user.command('add <name>').description('add a user'))
    .requiredOption('--email <address>', 'the email address (required)')
    .option('--admin', 'make the user an administrator')
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
  withDatabaseOption(user.command('disable <name>').description('block a user at once'))
    .addHelpText('after', '\nExamples:\n  millrace user disable ada')
    .action((name: string, options: UserOptions) => run((context) => changeStanding(context, name, options, true)))
  withDatabaseOption(user.command('enable <name>').description('unblock a disabled user'))
    .addHelpText('after', '\nExamples:\n  millrace user enable ada')
    .action((name: string, options: UserOptions) => run((context) => changeStanding(context, name, options, false)))
  withDatabaseOption(user.command('password <name>').description('set a new password and end all sessions of the user'))
    .addHelpText(
      'after',
      `${passwordSource}

Examples:
  millrace user password ada
  printf '%s\\n' "$PASSWORD" | millrace user password ada`,
    )
    .action((name: string, options: UserOptions) => run((context) => changePassword(context, name, options)))
  withDatabaseOption(user.command('role <name>').description('make a user an administrator or an ordinary user'))
    .addArgument(new Argument('<role>', 'the new role').choices(roles))
    .addHelpText('after', '\nExamples:\n  millrace user role ada admin\n  millrace user role ada user')
    .action((name: string, role: Role, options: UserOptions) =>
      run((context) => changeRole(context, name, role, options)),
    )
  withDatabaseOption(
    user
      .command('remove <name>')
      .description('delete a user who owns no workflows, with sessions, API keys and settings'),
  )
    .addHelpText('after', '\nExamples:\n  millrace user remove ada')
    .action((name: string, options: UserOptions) => run((context) => remove(context, name, options)))
}

async function add(context: Context, name: string, options: AddOptions): Promise<number> {
  const { checkNames, checkPassword } = await import('../account-rules.ts')
  const { username, email } = checkNames(name, options.email)
  const chosen = chooseExisting(context, options)
  const { bcryptCost } = await withOneSetting(context, chosen, 'BCRYPT_COST')
  const password = checkPassword(await readNewPassword(context, username))
  const { store, users } = await open(context, chosen)
  const role = options.admin === true ? 'admin' : 'user'
  const user = await users.addUser(store, { username, email, role, password, bcryptCost })
  const words = `Added the ${role === 'admin' ? 'administrator' : 'user'} ${username} (${user.id}).`
  context.output.result(users.viewOf(user), words)
  return 0
}

async function list(context: Context, options: UserOptions): Promise<number> {
  const { store, users } = await open(context, chooseExisting(context, options))
  const items = (await users.listUsers(store)).map(users.viewOf)
  context.output.result({ items }, items.length === 0 ? 'No users yet.' : items.map(userLine).join('\n'))
  return 0
}

async function changeStanding(
  context: Context,
  name: string,
  options: UserOptions,
  isDisabled: boolean,
): Promise<number> {
  const { store, users } = await open(context, chooseExisting(context, options))
  const user = await users.changeStanding(store, name, isDisabled)
  const words = `${printable(user.username)} is ${isDisabled ? 'disabled' : 'enabled'}.`
  context.output.result(users.viewOf(user), words)
  return 0
}

async function changePassword(context: Context, name: string, options: UserOptions): Promise<number> {
  const { checkPassword } = await import('../account-rules.ts')
  const chosen = chooseExisting(context, options)
  const { bcryptCost } = await withOneSetting(context, chosen, 'BCRYPT_COST')
  const password = checkPassword(await readNewPassword(context, name))
  const { store, users } = await open(context, chosen)
  const user = await users.changePassword(store, name, { password, bcryptCost })
  const words = `${printable(user.username)} has a new password; every session from before has ended.`
  context.output.result(users.viewOf(user), words)
  return 0
}

async function changeRole(context: Context, name: string, role: Role, options: UserOptions): Promise<number> {
  const { store, users } = await open(context, chooseExisting(context, options))
  const user = await users.changeRole(store, name, role)
  context.output.result(users.viewOf(user), `${printable(user.username)} has the role ${role}.`)
  return 0
}

async function remove(context: Context, name: string, options: UserOptions): Promise<number> {
  const { store, users } = await open(context, chooseExisting(context, options))
  const user = await users.deleteUser(store, name)
  context.output.result(users.viewOf(user), `Deleted the user ${printable(user.username)} (${user.id}).`)
  return 0
}

function chooseExisting(context: Context, options: UserOptions): ChosenDatabase {
  const chosen = chooseDatabase(context, options.database)
  refuseMissing(context, chosen)
  return chosen
}

async function open(context: Context, chosen: ChosenDatabase) {
  const { database } = await connectReady(context, chosen)
  return { store: database.store(), users: await import('../users.ts') }
}

function userLine({ id, username, email, role, disabledAt }: UserView): string {
  const marks = [...(role === 'admin' ? ['admin'] : []), ...(disabledAt === null ? [] : ['disabled'])]
  return [id, printable(username), printable(email), marks.join(', ')].join('  ').trimEnd()
}
