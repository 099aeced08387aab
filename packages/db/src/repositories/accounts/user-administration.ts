import { and, asc, eq, isNotNull, isNull, ne } from 'drizzle-orm'
import type { AuditType } from '../../schema/audit-types.ts'
import type { Role } from '../../schema/schema.ts'
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
  { id, isDisabled, eventId, at }: CommandedChange & { readonly isDisabled: boolean },
): Promise<void> {
  const { builder, tables } = store.dialect
  const { users } = tables
  const update = builder
    .update(users)
    .set({ disabledAt: isDisabled ? at : null, updatedAt: at })
    .where(
      and(
        eq(users.id, id),
        isDisabled ? isNull(users.disabledAt) : isNotNull(users.disabledAt),
        isNotRestoring(store.dialect),
      ),
    )
  const type = isDisabled ? 'user.disabled' : 'user.enabled'
  await changeByCommand(store, buildStatement(update), commandEvent(id, { eventId, at, type }))
}

/** Gives a user a role. Nothing changes where it has it already. */
export async function setRole(
  store: Store,
  { id, role, eventId, at }: CommandedChange & { readonly role: Role },
): Promise<void> {
  const { builder, tables } = store.dialect
  const { users } = tables
  const update = builder
    .update(users)
    .set({ role, updatedAt: at })
    .where(and(eq(users.id, id), ne(users.role, role), isNotRestoring(store.dialect)))
  const event = commandEvent(id, { eventId, at, type: 'user.role_changed' })
  await changeByCommand(store, buildStatement(update), { ...event, data: { role } })
}

/** Sets a password and, as a change by the user does, ends every session and access token from before `at`. */
export async function setPassword(
  store: Store,
  { id, passwordHash, eventId, at }: CommandedChange & { readonly passwordHash: string },
): Promise<void> {
  const { dialect } = store
  const { users } = dialect.tables
  const update = dialect.builder
    .update(users)
    .set({ passwordHash, tokensValidFrom: at, updatedAt: at })
    .where(and(eq(users.id, id), isNotRestoring(dialect)))
  const event = commandEvent(id, { eventId, at, type: 'user.password_changed' })
  await changeByCommand(store, buildStatement(update), event, endEverySession(dialect, id))
}

function commandEvent(
  userId: string,
  { eventId, at, type }: { readonly eventId: string; readonly at: Date; readonly type: AuditType },
): AuditEvent {
  return {
    ...{ id: eventId, at, type, ownerId: userId },
    actor: { kind: 'command', userId: null, id: 'user' },
    subject: { type: 'user', id: userId },
    origin: { requestId: null, network: null },
  }
}

/** @throws DatabaseError `restore_in_progress` */
async function changeByCommand(
  store: Store,
  gate: Statement,
  event: AuditEvent,
  effects: readonly Statement[] = [],
): Promise<void> {
  const { dialect } = store
  const { isOpen } = await store.apply({
    locks: [rowLock(dialect, 'users', 'no key update', eq(dialect.tables.users.id, event.subject.id ?? ''))],
    gate,
    effects: [...effects, recordEvent(dialect, event)],
    proof: eventQuery(dialect, event.id),
  })
  if (!isOpen) await refuseWhileRestoring(store)
}
