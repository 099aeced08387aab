import { eq, not, type SQL } from 'drizzle-orm'
import { callerLocks } from '../../access/caller-locks.ts'
import { all, done, refused, type Outcome, type UserCaller } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { RowLock } from '../../sql/lock-order.ts'
import { rowLock } from '../../sql/row-lock.ts'
import { buildQuery, buildStatement } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import { refuseWhileRestoring } from '../../store/restore-mark.ts'
import { isNotRestoring } from '../../access/conditions.ts'
import type { Store } from '../../store/store.ts'
import { callerEvent } from '../audit/caller-event.ts'
import { eventQuery, recordEvent, type AuditEvent } from '../audit/event.ts'
import { isOwnRow } from './credentials.ts'
import { existsIn } from '../../sql/exists.ts'
import { detach } from '../../sql/foreign-keys.ts'

export interface Removal {
  /** That the password was right by. */
  readonly passwordHash: string
  readonly eventId: string
  readonly at: Date
}

/**
 * Deletes the caller's account with its sessions, keys, settings and the shares to it, and takes its name off what it
 * has made. `account_in_use` while it owns workflows; `gone` when the password or the caller's standing has changed
 * since it was read.
 */
export async function removeAccount(
  store: Store,
  caller: UserCaller,
  { passwordHash, eventId, at }: Removal,
): Promise<Outcome<void, 'account_in_use' | 'gone'>> {
  const { dialect } = store
  const isOpen = await remove(store, {
    userId: caller.userId,
    locks: callerLocks(dialect, caller, 'update'),
    condition: isOwnRow(dialect, caller, passwordHash),
    event: callerEvent(dialect, caller, removalEvent(caller.userId, eventId, at)),
  })
  if (isOpen) return done(undefined)
  return refused((await ownsWorkflows(store, caller.userId)) ? 'account_in_use' : 'gone')
}

/** The same by a command, for any user: disabled ones too. `gone` when there is no such user. */
export async function removeUser(
  store: Store,
  { userId, eventId, at }: { readonly userId: string } & Omit<Removal, 'passwordHash'>,
): Promise<Outcome<void, 'account_in_use' | 'gone'>> {
  const { dialect } = store
  const { users } = dialect.tables
  const isOpen = await remove(store, {
    userId,
    locks: [rowLock(dialect, 'users', 'update', eq(users.id, userId))],
    condition: all(eq(users.id, userId), isNotRestoring(dialect)),
    event: {
      ...removalEvent(userId, eventId, at),
      actor: { kind: 'command', userId: null, id: 'user remove' },
      origin: { requestId: null, network: null },
    },
  })
  if (isOpen) return done(undefined)
  if (await ownsWorkflows(store, userId)) return refused('account_in_use')
  await refuseWhileRestoring(store)
  return refused('gone')
}

function removalEvent(userId: string, id: string, at: Date) {
  return { id, at, type: 'user.deleted', ownerId: userId, subject: { type: 'user', id: userId } } as const
}

interface GuardedRemoval {
  readonly userId: string
  readonly locks: readonly RowLock[]
  /** Of the user's own row; that it owns nothing is asked beside it. */
  readonly condition: SQL
  readonly event: AuditEvent
}

/** The user's row is marked first, where it may go: whoever refers to it from then on waits, and finds it gone. */
async function remove(store: Store, { userId, locks, condition, event }: GuardedRemoval): Promise<boolean> {
  const { dialect } = store
  const { builder, tables } = dialect
  const { users, workflows } = tables
  const owned = existsIn(dialect, workflows, eq(workflows.ownerId, userId))
  const mark = builder
    .update(users)
    .set({ passwordHash: `leaving:${event.id}` })
    .where(all(condition, not(owned)))
  const { isOpen } = await store.apply({
    locks,
    gate: buildStatement(mark),
    effects: [...removalStatements(dialect, userId), recordEvent(dialect, event)],
    proof: eventQuery(dialect, event.id),
  })
  return isOpen
}

/** What belongs to the user goes, and its name goes off what it has made. The gate has seen that it owns no workflow. */
function removalStatements(dialect: Dialect, userId: string): readonly Statement[] {
  const { users, workflows } = dialect.tables
  return [
    ...detach(dialect, users, (reference) => eq(reference, userId), workflows),
    buildStatement(dialect.builder.delete(users).where(eq(users.id, userId))),
  ]
}

async function ownsWorkflows(store: Store, userId: string): Promise<boolean> {
  const { builder, tables } = store.dialect
  const { workflows } = tables
  const owned = builder.select({ id: workflows.id }).from(workflows).where(eq(workflows.ownerId, userId)).limit(1)
  return (await store.read(buildQuery(owned))).length > 0
}
