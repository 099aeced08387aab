import { DatabaseError } from '@millrace/db/sql/errors'
import type { Statement } from '@millrace/db/sql/statement'
import type { Connection, Transport } from '@millrace/db/sql/transport'
import type { Trouble } from '@millrace/db/sql/troubles'
import type { TestDatabase } from '../../dialects.ts'

export interface ConnectOptions {
  /** In place of the server's own: of a proxy that the suite has put before it. */
  readonly port?: number
  readonly timeoutSeconds?: number
  /** What to get wrong. */
  readonly wrong?: 'password' | 'token' | 'database'
  /** Whether its pool lends a single connection, and nobody waits for it longer than 0.1 s. */
  readonly hasOneConnection?: boolean
}

/** A driver, as the suite reaches it. */
export interface DriverUnderTest {
  readonly database: TestDatabase
  connect(options?: ConnectOptions): Promise<Connection>
  /** What a proxy can stand before; undefined where nothing goes over a network. */
  readonly server: { readonly host: string; readonly port: number } | undefined
  stop(): Promise<void>
}

/** The name of no database, of those that the user of the tests may have. */
export const nobodysDatabase = 'millrace_nobodys'

/** How a driver tells a class of error, or why it can't meet one. */
export type Refusal = { readonly trouble: Trouble } | { readonly cannot: string }

/** What is true of one driver and not of another. */
export interface DriverTraits {
  readonly hasNetwork: boolean
  /** Whether a statement that runs can be ended. */
  readonly canBeStopped: boolean
  /** Whether rows affected counts the rows that an UPDATE matched, not those that it changed. */
  readonly countsMatched: boolean
  /** What a snapshot does when somebody writes meanwhile: goes on showing its moment, or is not confirmed at its end. */
  readonly snapshot: 'kept' | 'watched'
  /** What the bytes hold that ask for a batch's end; empty where a batch goes as a whole. */
  readonly commitText: string
  readonly refusals: {
    readonly password: Refusal
    readonly token: Refusal
    readonly database: Refusal
    readonly pool: Refusal
    readonly lock: Refusal
    readonly readOnly: Refusal
  }
}

/** What the parts of the suite share; its members are there from the first test on. */
export interface Suite {
  readonly traits: DriverTraits
  readonly driver: DriverUnderTest
  readonly connection: Connection
  readonly transport: Transport
}

export function place({ driver }: Suite, position: number): string {
  return driver.database.dialect === 'postgres' ? `$${position}` : '?'
}

export function statementsOf(suite: Suite) {
  const at = (position: number) => place(suite, position)
  return {
    place: at,
    insert: (id: string, text: string | null = null, number: number | bigint | string | null = null): Statement => ({
      text: `insert into things (id, words, number) values (${at(1)}, ${at(2)}, ${at(3)})`,
      parameters: [id, text, number],
    }),
    update: (id: string, text: string): Statement => ({
      text: `update things set words = ${at(1)} where id = ${at(2)}`,
      parameters: [text, id],
    }),
    select: (id: string): Statement => ({
      text: `select words, number from things where id = ${at(1)}`,
      parameters: [id],
    }),
    /** Past the driver. */
    ids: async (): Promise<readonly string[]> => {
      const rows = await suite.driver.database.query('select id from things order by id')
      return rows.map(({ id }) => String(id))
    },
  }
}

export async function failureOf(work: Promise<unknown>): Promise<DatabaseError> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof DatabaseError) return thrown
  throw new Error(`no DatabaseError: ${String(thrown)}`)
}

export const tablesOf = {
  sqlite: [
    'create table things (id text not null, words text, number integer, label text, at integer, is_set integer, constraint things_pk primary key (id))',
    'create table parts (id text primary key, thing_id text not null references things (id), amount integer, constraint parts_amount_check check (amount >= 0))',
    'create unique index things_label_unique on things (label)',
  ],
  postgres: [
    'create table things (id text collate "C" not null, words text, number bigint, label text, at timestamp(3) with time zone, is_set boolean, constraint things_pk primary key (id))',
    'create table parts (id text primary key, thing_id text collate "C" not null references things (id), amount integer, constraint parts_amount_check check (amount >= 0))',
    'create unique index things_label_unique on things (label)',
  ],
  mysql: [
    'create table things (id varchar(64) character set utf8mb4 collate utf8mb4_bin not null, words longtext character set utf8mb4 collate utf8mb4_bin, number bigint, label varchar(64), at datetime(3), is_set tinyint(1), primary key (id))',
    'create table parts (id varchar(64) primary key, thing_id varchar(64) character set utf8mb4 collate utf8mb4_bin not null, amount integer, foreign key (thing_id) references things (id), constraint parts_amount_check check (amount >= 0))',
    'create unique index things_label_unique on things (label)',
  ],
} as const
