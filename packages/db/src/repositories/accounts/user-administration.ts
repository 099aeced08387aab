import { asc, eq } from 'drizzle-orm'
import { defineQuery, defineStatement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { restoreError } from '../../store/restore-mark.ts'
import type { Role } from '../../schema/schema.ts'
import type { UserView } from './users.ts'
import { isAnchor } from '../../access/access.ts'

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

const disableStatement = defineStatement<{ id: string; disabledAt: Date | null; at: Date }>()(
  ({ builder, tables: { users } }, bind) =>
    builder
      .update(users)
      .set({ disabledAt: bind('disabledAt', users.disabledAt), updatedAt: bind('at', users.updatedAt) })
      .where(eq(users.id, bind('id', users.id))),
)

/** Disables a user from `disabledAt` on, or enables it with null: from the next request on, with token or key. */
export async function setDisabled(
  store: Store,
  user: { readonly id: string; readonly disabledAt: Date | null; readonly at: Date },
): Promise<void> {
  await store.write({ writes: [disableStatement(store.dialect, user)] })
}

const roleStatement = defineStatement<{ id: string; role: Role; at: Date }>()(({ builder, tables: { users } }, bind) =>
  builder
    .update(users)
    .set({ role: bind('role', users.role), updatedAt: bind('at', users.updatedAt) })
    .where(eq(users.id, bind('id', users.id))),
)

/** Gives a user a role, from the next request on. */
export async function setRole(
  store: Store,
  user: { readonly id: string; readonly role: Role; readonly at: Date },
): Promise<void> {
  await store.write({ writes: [roleStatement(store.dialect, user)] })
}

interface NewPassword {
  readonly id: string
  readonly passwordHash: string
  readonly at: Date
}

const passwordStatement = defineStatement<NewPassword>()(({ builder, tables: { users } }, bind) =>
  builder
    .update(users)
    .set({
      passwordHash: bind('passwordHash', users.passwordHash),
      tokensValidFrom: bind('at', users.tokensValidFrom),
      updatedAt: bind('at', users.updatedAt),
    })
    .where(eq(users.id, bind('id', users.id))),
)

const endSessionsStatement = defineStatement<{ id: string }>()(({ builder, tables: { sessions } }, bind) =>
  builder.delete(sessions).where(eq(sessions.userId, bind('id', sessions.userId))),
)

/** Sets a password and, as a change by the user does, ends every session and access token from before `at`. */
export async function setPassword(store: Store, { id, passwordHash, at }: NewPassword): Promise<void> {
  await store.write({
    writes: [passwordStatement(store.dialect, { id, passwordHash, at }), endSessionsStatement(store.dialect, { id })],
  })
}
