import { hashPassword } from '@millrace/api/auth/password'
import { newId } from '@millrace/api/ids'
import { nameKey } from '@millrace/db/schema/names'
import { setDisabled, setPassword, setRole } from '@millrace/db/repositories/accounts/user-administration'
import { findLogin, registerUser, type UserView } from '@millrace/db/repositories/accounts/users'
import type { Store } from '@millrace/db/store/store'
import { removeUser } from '@millrace/db/repositories/accounts/removal'
import { Failure } from './failure.ts'
import { printable } from './printable.ts'

export { listUsers } from '@millrace/db/repositories/accounts/user-administration'

/** A user as docs/contract/api.md has it, in its order, with `disabledAt`. */
export function viewOf({ id, username, email, role, createdAt, disabledAt }: UserView): UserView {
  return { id, username, email, role, createdAt, disabledAt }
}

/** The user of that name, or of that email as for a log-in. Throws a Failure `not_found`. */
export async function findUser(store: Store, name: string): Promise<UserView> {
  const user = await findLogin(store, nameKey(name))
  if (user !== undefined) return user
  throw new Failure('not_found', {
    what: `There is no user ${printable(name)}.`,
    why: 'No username and no email in this database is that name, ignoring case.',
    fix: 'See the names with `millrace user list`, or add the user with `millrace user add`.',
  })
}

export interface NewUser {
  readonly username: string
  readonly email: string
  readonly role: UserView['role']
  readonly password: string
  readonly bcryptCost: number
}

/** Adds a user. Throws a Failure `username_taken` or `email_taken`. */
export async function addUser(store: Store, input: NewUser): Promise<UserView> {
  const { username, email, role } = input
  const createdAt = new Date()
  const user: UserView = { id: newId(createdAt), username, email, role, createdAt, disabledAt: null }
  const passwordHash = await hashPassword(input.password, input.bcryptCost)
  const row = { ...user, usernameKey: nameKey(username), emailKey: nameKey(email), passwordHash }
  const outcome = await registerUser(store, row)
  if (!outcome.ok) throw takenFailure(outcome.refusal, input)
  return user
}

function takenFailure(code: 'username_taken' | 'email_taken', { username, email }: NewUser): Failure {
  const taken = code === 'username_taken' ? `username ${printable(username)}` : `email ${printable(email)}`
  return new Failure(code, {
    what: `The ${taken} is taken.`,
    why: 'Another user has it, ignoring case.',
    fix: 'Choose another one, or set a new password with `millrace user password`.',
  })
}

/** Disables or enables a user. Who is disabled already stays so from the first moment. */
export async function changeStanding(store: Store, name: string, isDisabled: boolean): Promise<UserView> {
  const user = await findUser(store, name)
  const at = new Date()
  const disabledAt = isDisabled ? (user.disabledAt ?? at) : null
  await setDisabled(store, { id: user.id, isDisabled, eventId: newId(at), at })
  return { ...user, disabledAt }
}

/** Gives a user a role, from the next request on. */
export async function changeRole(store: Store, name: string, role: UserView['role']): Promise<UserView> {
  const user = await findUser(store, name)
  const at = new Date()
  await setRole(store, { id: user.id, role, eventId: newId(at), at })
  return { ...user, role }
}

/** Deletes a user with its sessions, keys and settings. Throws a Failure `account_in_use` while it owns workflows. */
export async function deleteUser(store: Store, name: string): Promise<UserView> {
  const user = await findUser(store, name)
  const at = new Date()
  const outcome = await removeUser(store, { userId: user.id, eventId: newId(at), at })
  // Gone in the meantime is gone all the same.
  if (outcome.ok || outcome.refusal === 'gone') return user
  const shown = printable(user.username)
  throw new Failure('account_in_use', {
    what: `${shown} still owns workflows.`,
    why: 'A workflow always has an owner: it is not deleted with its user.',
    fix: `Transfer them (POST /v1/workflows/{id}/transfer) or delete them first, or shut the user out with \`millrace user disable ${shown}\`.`,
  })
}

/** Sets a password; every session and access token of the user ends. */
export async function changePassword(
  store: Store,
  name: string,
  { password, bcryptCost }: Pick<NewUser, 'password' | 'bcryptCost'>,
): Promise<UserView> {
  const user = await findUser(store, name)
  const passwordHash = await hashPassword(password, bcryptCost)
  const at = new Date()
  await setPassword(store, { id: user.id, passwordHash, eventId: newId(at), at })
  return user
}
