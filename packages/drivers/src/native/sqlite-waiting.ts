import { setTimeout as delay } from 'node:timers/promises'
import { sqliteError, troubleOfSqlite } from '@millrace/db/dialects/sqlite/errors'
import type { DatabaseError } from '@millrace/db/sql/errors'
import { SqliteFailure } from './sqlite-connection.ts'

/** How long another process's lock is waited for. */
const lockSeconds = 5

/** Another process may hold the lock: it is asked for again and again, at random. */
export async function whenUnlocked<Result>(act: () => Result): Promise<Result> {
  const deadline = performance.now() + lockSeconds * 1000
  for (let attempt = 1; ; attempt += 1) {
    try {
      return act()
    } catch (error) {
      const canWait = error instanceof SqliteFailure && error.isLocked && performance.now() < deadline
      if (!canWait) throw error
      await delay(Math.random() * Math.min(20, 2 * attempt))
    }
  }
}

export function readError(thrown: unknown): DatabaseError {
  if (!(thrown instanceof SqliteFailure)) throw thrown
  return sqliteError(troubleOfSqlite(thrown) ?? 'internal', thrown.message)
}

/** As `whenUnlocked`; what fails is a DatabaseError. */
export async function waited<Result>(act: () => Result): Promise<Result> {
  try {
    // Nearly always nobody else has the lock: then waiting costs no promise.
    return act()
  } catch (thrown) {
    if (!(thrown instanceof SqliteFailure) || !thrown.isLocked) throw readError(thrown)
  }
  try {
    return await whenUnlocked(act)
  } catch (thrown) {
    throw readError(thrown)
  }
}
