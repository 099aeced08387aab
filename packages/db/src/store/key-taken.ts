import { DatabaseError } from '../sql/errors.ts'

/** The primary key of `idempotency_keys`, as errors name it. */
const idempotencyConstraint = 'idempotency_keys_pk'

/** Whether a batch broke on its Idempotency-Key, which another request has. */
export function isKeyTaken(thrown: unknown): boolean {
  return (
    thrown instanceof DatabaseError &&
    thrown.fault === 'unique_violation' &&
    (thrown.constraint === idempotencyConstraint ||
      // SQLite names a primary key by its columns.
      thrown.constraint === 'idempotency_keys_user_id_idempotency_key_unique')
  )
}
