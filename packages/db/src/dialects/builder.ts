import type { SqliteRemoteDatabase } from 'drizzle-orm/sqlite-proxy'

/** Drizzle's builder. It only writes SQL; the dialect's transport runs it. SQLite's is the static type of all. */
export type Builder = SqliteRemoteDatabase

/** A column as the builder's selections take it. */
export type { SQLiteColumn as BuilderColumn } from 'drizzle-orm/sqlite-core'
