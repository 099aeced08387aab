import type { RawResult } from '@millrace/db/sql/statement'

/** What D1 takes as a parameter and gives as a value: it knows no bigint. */
export type D1Value = string | number | null

/** A statement as it is sent. */
export interface D1Statement {
  readonly sql: string
  readonly params: readonly D1Value[]
  /** Whether it gives rows and changes nothing. */
  readonly isRead: boolean
  /** How many columns its rows have, where that is known. */
  readonly columns: number | undefined
}

/** A way to a D1 database: the Worker's binding, or Cloudflare's API. */
export interface D1Client {
  /**
   * Runs statements as one transaction, all or nothing, in one round trip.
   * @throws whatever the way throws: `readD1Error` reads it
   */
  send(statements: readonly D1Statement[], timeoutSeconds: number): Promise<readonly RawResult[]>
}

/** The part of Cloudflare's `D1Database` that the driver uses. */
export interface D1Binding {
  prepare(sql: string): D1Prepared
  batch(statements: D1Prepared[]): Promise<readonly D1Rows[]>
}

export interface D1Prepared {
  bind(...values: unknown[]): D1Prepared
  all(): Promise<D1Rows>
  raw(): Promise<readonly (readonly unknown[])[]>
}

export interface D1Rows {
  readonly results: readonly Readonly<Record<string, unknown>>[]
  readonly meta: { readonly changes?: number | undefined }
}

/** Told from other bindings by what it can do. */
export function isD1Binding(value: unknown): value is D1Binding {
  return (
    typeof value === 'object' &&
    value !== null &&
    'prepare' in value &&
    typeof value.prepare === 'function' &&
    'batch' in value &&
    typeof value.batch === 'function'
  )
}
