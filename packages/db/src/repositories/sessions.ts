import { eq } from 'drizzle-orm'
import type { Dialect } from '../dialect.ts'
import { buildStatement, defineQuery, type Statement } from '../statement.ts'
import type { Store } from '../store.ts'

/** A log-in: the first refresh token of a new family. */
export interface NewSession {
  readonly id: string
  readonly familyId: string
  readonly userId: string
  /** Hex. Only this is stored of the refresh token. */
  readonly refreshSha256: string
  readonly userAgent: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
}

export function insertSession({ builder, tables: { sessions } }: Dialect, session: NewSession): Statement {
  return buildStatement(
    builder.insert(sessions).values({ ...session, lastUsedAt: session.createdAt, replacedAt: null }),
  )
}

const sessionExistsQuery = defineQuery<{ id: string }>()(({ builder, tables: { sessions } }, bind) =>
  builder
    .select({ id: sessions.id })
    .from(sessions)
    .where(eq(sessions.id, bind('id', sessions.id))),
)

/** Starts a session for a user whose password was right. */
export async function startSession(store: Store, session: NewSession): Promise<void> {
  await store.write({
    writes: [insertSession(store.dialect, session)],
    applied: sessionExistsQuery(store.dialect, { id: session.id }),
  })
}
