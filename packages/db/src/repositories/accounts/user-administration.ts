import { and, asc, eq, isNotNull, isNull, ne, type SQL } from 'drizzle-orm'
import type { Role, Tables } from '../../schema/schema.ts'
import { rowLock } from '../../sql/row-lock.ts'
import { buildStatement, defineQuery } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import { eventQuery, recordEvent, type AuditEvent } from '../audit/event.ts'
import { isNotRestoring } from '../../access/conditions.ts'
import { refuseWhileRestoring } from '../../store/restore-mark.ts'
import { endEverySession } from './credentials.ts'
import type { Store } from '../../store/store.ts'
import { restoreError, isAnchor } from '../../access/access.ts'
import type { UserView } from './users.ts'

/* What an operator does with users, without a caller: the command line stands outside of permissions. */

const usersQuery = defineQuery<object>()((dialect) => {
  const { builder, tables } = dialect
  const { users, marks } = tables
  return builder
    .select({
      restore: marks.value,
      id: users.id,
      username: users.username,
      email: users.email,
      role: users.role,
      createdAt: users.createdAt,
      disabledAt: users.disabledAt,
    })
    .from(users)
    .innerJoin(marks, isAnchor(dialect))
    .orderBy(asc(users.createdAt), asc(users.id))
})

/** All users, oldest first. */
export async function listUsers(store: Store): Promise<readonly UserView[]> {
  const rows = await store.read(usersQuery(store.dialect, {}))
  return rows.map(({ restore, ...user }) => {
    if (restore !== null) throw restoreError()
    return user
  })
}

/** What a command does to a user, and the event that tells of it. */
export interface CommandedChange {
  readonly id: string
  readonly eventId: string
  readonly at: Date
}

/** Disables a user, or enables it: from the next request on, with token or key. Nothing changes where it is so already. */
export async function setDisabled(
  store: Store,
  { isDisabled, ...change }: CommandedChange & { readonly isDisabled: boolean },
): Promise<void> {
  const { disabledAt } = store.dialect.tables.users
  await changeByCommand(store, change, {
    type: isDisabled ? 'user.disabled' : 'user.enabled',
    set: { disabledAt: isDisabled ? change.at : null },
    where: isDisabled ? isNull(disabledAt) : isNotNull(disabledAt),
  })
}

/** Gives a user a role. Nothing changes where it has it already. */
export async function setRole(
  store: Store,
  { role, ...change }: CommandedChange & { readonly role: Role },
): Promise<void> {
  await changeByCommand(store, change, {
    type: 'user.role_changed',
    data: { role },
    set: { role },
    where: ne(store.dialect.tables.users.role, role),
  })
}

/** Sets a password and, as a change by the user does, ends every session and access token from before `at`. */
export async function setPassword(
  store: Store,
  { passwordHash, ...change }: CommandedChange & { readonly passwordHash: string },
): Promise<void> {
  await changeByCommand(store, change, {
    type: 'user.password_changed',
    set: { passwordHash, tokensValidFrom: change.at },
    effects: endEverySession(store.dialect, change.id),
  })
}

interface UserChange extends Pick<AuditEvent, 'type' | 'data'> {
  readonly set: Partial<Tables['users']['$inferInsert']>
  /** Beside the user's id, and that nothing is being restored. */
  readonly where?: SQL
  readonly effects?: readonly Statement[]
}

/** @throws DatabaseError `restore_in_progress` */
async function changeByCommand(
  store: Store,
  { id, eventId, at }: CommandedChange,
  { set, where, effects = [], ...told }: UserChange,
): Promise<void> {
  const { dialect } = store
  const { users } = dialect.tables
  const isUser = eq(users.id, id)
  const update = dialect.builder
    .update(users)
    .set({ ...set, updatedAt: at })
    .where(and(isUser, where, isNotRestoring(dialect)))
  const event: AuditEvent = {
    ...told,
    ...{ id: eventId, at, ownerId: id },
    actor: { kind: 'command', userId: null, id: 'user' },
    subject: { type: 'user', id },
    origin: { requestId: null, network: null },
  }
  const { isOpen } = await store.apply({
    locks: [rowLock(dialect, 'users', 'no key update', isUser)],
    gate: buildStatement(update),
    effects: [...effects, recordEvent(dialect, event)],
    proof: eventQuery(dialect, eventId),
  })
  if (!isOpen) await refuseWhileRestoring(store)
}
