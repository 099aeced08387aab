import { and, eq, exists, not, sql, type SQL } from 'drizzle-orm'
import { all, done, isAnchor, refused, type Outcome, type UserCaller } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { DatabaseError } from '../../sql/errors.ts'
import { buildQuery, buildStatement, type Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { isOwnRow } from './credentials.ts'
import { isNotRestoring } from '../../store/restore-mark.ts'

export interface Removal {
  /** That the password was right by. */
  readonly passwordHash: string
  /** Names this removal: it stands in the row, in place of the hash, until the row is gone. */
  readonly operation: string
}

/**
 * Deletes the caller's account with its sessions, keys, settings and the shares to it, and takes its name off what it
 * has made. `account_in_use` while it owns workflows; `gone` when the password or the caller's standing has changed
 * since it was read.
 */
export function removeAccount(
  store: Store,
  caller: UserCaller,
  removal: Removal,
): Promise<Outcome<void, 'account_in_use' | 'gone'>> {
  return remove(store, caller.userId, removal.operation, isOwnRow(store.dialect, caller, removal.passwordHash))
}

/** Deletes a user as an operator does, without a caller: disabled ones too. `gone` when there is no such user. */
export function removeUser(
  store: Store,
  { userId, operation }: { readonly userId: string; readonly operation: string },
): Promise<Outcome<void, 'account_in_use' | 'gone'>> {
  const { users } = store.dialect.tables
  return remove(store, userId, operation, all(eq(users.id, userId), isNotRestoring(store.dialect)))
}

/** @param mayGo what has to hold of the user's row, beside that it owns no workflow */
async function remove(
  store: Store,
  userId: string,
  operation: string,
  mayGo: SQL,
): Promise<Outcome<void, 'account_in_use' | 'gone'>> {
  const { dialect } = store
  try {
    const { affected } = await store.write({
      writes: removalStatements(dialect, userId, operation, mayGo),
      applied: goneQuery(dialect, userId),
    })
    if (affected.at(-1) === 1) return done(undefined)
  } catch (thrown) {
    // A workflow that was made at the same moment.
    if (thrown instanceof DatabaseError && thrown.fault === 'foreign_key_violation') return refused('account_in_use')
    throw thrown
  }
  const owned = await store.read(ownedQuery(dialect, userId))
  return refused(owned.length > 0 ? 'account_in_use' : 'gone')
}

/** Children first; each under the mark that the first statement leaves where the account may go. */
function removalStatements(dialect: Dialect, userId: string, operation: string, mayGo: SQL): readonly Statement[] {
  const { builder, tables } = dialect
  const { users, workflows, workflowVersions, workflowShares, executions, settings } = tables
  const { sessions, apiKeys, idempotencyKeys } = tables
  const owned = builder
    .select({ one: sql`1` })
    .from(workflows)
    .where(eq(workflows.ownerId, userId))
  const mark = builder
    .update(users)
    .set({ passwordHash: operation })
    .where(all(mayGo, not(exists(owned))))
  const isMarked = and(eq(users.id, userId), eq(users.passwordHash, operation))
  const isGoing = exists(
    builder
      .select({ one: sql`1` })
      .from(users)
      .where(isMarked),
  )
  return [
    buildStatement(mark, { isGate: true }),
    buildStatement(builder.delete(sessions).where(and(eq(sessions.userId, userId), isGoing))),
    buildStatement(builder.delete(apiKeys).where(and(eq(apiKeys.userId, userId), isGoing))),
    buildStatement(builder.delete(settings).where(and(eq(settings.userId, userId), isGoing))),
    buildStatement(builder.delete(idempotencyKeys).where(and(eq(idempotencyKeys.userId, userId), isGoing))),
    buildStatement(builder.delete(workflowShares).where(and(eq(workflowShares.sharedWithUserId, userId), isGoing))),
    buildStatement(
      builder
        .update(workflowShares)
        .set({ sharedBy: null })
        .where(and(eq(workflowShares.sharedBy, userId), isGoing)),
    ),
    buildStatement(
      builder
        .update(workflowVersions)
        .set({ createdBy: null })
        .where(and(eq(workflowVersions.createdBy, userId), isGoing)),
    ),
    buildStatement(
      builder
        .update(executions)
        .set({ userId: null })
        .where(and(eq(executions.userId, userId), isGoing)),
    ),
    buildStatement(builder.delete(users).where(isMarked)),
  ]
}

function goneQuery(dialect: Dialect, userId: string) {
  const { builder, tables } = dialect
  const { marks, users } = tables
  const user = builder
    .select({ one: sql`1` })
    .from(users)
    .where(eq(users.id, userId))
  return buildQuery(
    builder
      .select({ name: marks.name })
      .from(marks)
      .where(all(isAnchor(dialect), not(exists(user)))),
  )
}

function ownedQuery({ builder, tables: { workflows } }: Dialect, userId: string) {
  return buildQuery(builder.select({ id: workflows.id }).from(workflows).where(eq(workflows.ownerId, userId)).limit(1))
}
