import { and, eq, gt, isNull, sql, type SQL } from 'drizzle-orm'
import { all, done, isAnchor, refused, type Origin, type Outcome } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { rowLock } from '../../sql/row-lock.ts'
import { buildQuery, buildStatement } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import { insertFrom } from '../../store/insert-where.ts'
import { refuseWhileRestoring } from '../../store/restore-mark.ts'
import { isNotRestoring } from '../../access/conditions.ts'
import type { Store } from '../../store/store.ts'
import { eventQuery, recordEvent } from '../audit/event.ts'
import { endEverySession } from './credentials.ts'
import {
  attempted,
  clearAttempts,
  countFields,
  isWithinLimits,
  type Attempt,
  type RateLimited,
} from './login-attempts.ts'
import { existsIn } from '../../sql/exists.ts'

/* Forgotten passwords: a token that sets a new one, once and for a while. Only its digest is stored. */

/** A token to be made for whoever has the address. */
export interface Recovery {
  readonly id: string
  readonly emailKey: string
  /** Hex. */
  readonly tokenSha256: string
  readonly attempt: Attempt
  readonly expiresAt: Date
}

export interface Recipient {
  readonly email: string
  readonly username: string
}

/**
 * Stores a token for the user who has the address, unless there is none, or the limits are passed. The same statements
 * and as many round trips whether there is one.
 * @returns To whom the token goes; undefined where nobody has the address, or who has it is disabled.
 */
export async function beginRecovery(
  store: Store,
  { id, emailKey, tokenSha256, attempt, expiresAt }: Recovery,
): Promise<Outcome<Recipient | undefined> | RateLimited> {
  const { dialect } = store
  const { builder, tables } = dialect
  const { marks, users, passwordResets } = tables
  const { at } = attempt
  const isRecipient = all(eq(users.emailKey, emailKey), isNull(users.disabledAt))
  const row = { id, userId: users.id, tokenSha256, createdAt: at, expiresAt }
  const isAllowed = all(isRecipient, isWithinLimits(dialect, attempt, at, { isRecorded: true }))
  const answer = buildQuery(
    builder
      .select({ email: users.email, username: users.username, ...countFields(dialect, attempt, at) })
      .from(marks)
      .leftJoin(users, isRecipient)
      .where(isAnchor(dialect)),
  )
  const token = buildStatement(insertFrom(dialect, passwordResets, row, sql`${users} where ${isAllowed}`))
  const found = await attempted(store, attempt, answer, {
    // Whoever has the address stays as they are until the end: the token and the answer are of the same user.
    locks: [rowLock(dialect, 'users', 'share', eq(users.emailKey, emailKey))],
    effects: [token],
  })
  if (!found.ok) return found
  const { email, username } = found.value
  return done(email === null || username === null ? undefined : { email, username })
}

/**
 * Counts the use of a token, and finds whose it is. `gone` for one that is none, used or old; a right one's count is
 * taken back when it is used.
 */
export async function findReset(
  store: Store,
  tokenSha256: string,
  attempt: Attempt,
): Promise<Outcome<{ readonly userId: string }, 'gone'> | RateLimited> {
  const { dialect } = store
  const { builder, tables } = dialect
  const { marks, users, passwordResets } = tables
  const { at } = attempt
  const answer = buildQuery(
    builder
      .select({ userId: users.id, ...countFields(dialect, attempt, at) })
      .from(marks)
      .leftJoin(passwordResets, isLive(dialect, tokenSha256, at))
      .leftJoin(users, and(eq(users.id, passwordResets.userId), isNull(users.disabledAt)))
      .where(isAnchor(dialect)),
  )
  const found = await attempted(store, attempt, answer)
  if (!found.ok) return found
  const { userId } = found.value
  return userId === null ? refused('gone') : done({ userId })
}

function isLive({ tables: { passwordResets } }: Dialect, tokenSha256: string, at: Date): SQL {
  return all(eq(passwordResets.tokenSha256, tokenSha256), gt(passwordResets.expiresAt, at))
}

/** A token that is used, and the password that it sets. */
export interface Reset {
  readonly userId: string
  readonly tokenSha256: string
  readonly passwordHash: string
  readonly attempt: Attempt
  readonly eventId: string
  readonly origin: Origin
  readonly at: Date
}

/** Sets the password of whose token it is, once; every session ends. `gone` when it has been used or has expired. */
export async function resetPassword(
  store: Store,
  { userId, tokenSha256, passwordHash, attempt, eventId, origin, at }: Reset,
): Promise<Outcome<void, 'gone'>> {
  const { dialect } = store
  const { builder, tables } = dialect
  const { users, passwordResets } = tables
  const enabled = existsIn(dialect, users, eq(users.id, userId), isNull(users.disabledAt))
  const use = builder
    .delete(passwordResets)
    .where(all(isLive(dialect, tokenSha256, at), eq(passwordResets.userId, userId), enabled, isNotRestoring(dialect)))
  const event = recordEvent(dialect, {
    ...{ id: eventId, at, type: 'user.password_changed', origin, ownerId: userId },
    actor: { kind: 'user', userId, id: null },
    subject: { type: 'user', id: userId },
    data: { reset: true },
  })
  const { isOpen } = await store.apply({
    locks: [rowLock(dialect, 'users', 'no key update', eq(users.id, userId))],
    gate: buildStatement(use),
    effects: [
      setPassword(dialect, userId, passwordHash, at),
      ...endEverySession(dialect, userId),
      clearAttempts(dialect, attempt),
      // Whoever has forgotten it has mostly tried it before.
      clearAttempts(dialect, { kind: 'login', nameKey: userId, network: origin.network }),
      event,
    ],
    proof: eventQuery(dialect, eventId),
  })
  if (isOpen) return done(undefined)
  await refuseWhileRestoring(store)
  return refused('gone')
}

function setPassword({ builder, tables: { users } }: Dialect, id: string, passwordHash: string, at: Date): Statement {
  const update = builder.update(users).set({ passwordHash, tokensValidFrom: at, updatedAt: at }).where(eq(users.id, id))
  return buildStatement(update)
}
