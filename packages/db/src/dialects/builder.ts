import type { SqliteRemoteDatabase } from 'drizzle-orm/sqlite-proxy'

/** Drizzle's builder. It only writes SQL; the dialect's transport runs it. SQLite's is the static type of all. */
export type Builder = SqliteRemoteDatabase
