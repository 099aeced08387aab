import type { DialectName } from '../test/dialects.ts'

/** What is measured. */
export const acts = ['read', 'list', 'create', 'patch'] as const
export type Act = (typeof acts)[number]

/** An argument as the drivers take it; whole numbers are integers. */
export type Argument = string | number | bigint | null

/** What a request's own values are, by the name that stands for them in a template. */
export interface Values {
  readonly userId: string
  readonly issuedAt: Argument
  readonly sessionId: string
  readonly requestId: string
  readonly network: string
  readonly id: string
  readonly versionId: string
  readonly operation: string
  readonly name: string
  readonly nameKey: string
  readonly definition: string
  readonly revision: number
  readonly at: Argument
}

/** SQL and its arguments, in order: as they are, or the name of the value that takes the place. */
export interface Template {
  readonly sql: string
  readonly args: readonly (string | number | null | { readonly name: keyof Values })[]
}

/** What each act sends, in one transaction where it is more than one statement; and a history, for `millrace serve`. */
export type Statements = Readonly<Record<Act | 'history', readonly Template[]>>

/** The floor's variables. */
export interface FloorVars {
  readonly DIALECT: DialectName
  readonly DATABASE_USER: string
  readonly DATABASE_PASSWORD: string
  readonly GATEWAY: string
  /** HS256's, in base64url. */
  readonly SECRET: string
  /** JSON of {@link Statements}. */
  readonly STATEMENTS: string
}

/** How each database has moments. */
export const instants = {
  sqlite: { write: (at: Date) => at.getTime(), read: (stored: unknown) => new Date(Number(stored)) },
  postgres: { write: (at: Date) => at.toISOString(), read: (stored: unknown) => new Date(`${String(stored)}:00`) },
  mysql: {
    write: (at: Date) => at.toISOString().replace('T', ' ').replace('Z', ''),
    read: (stored: unknown) => new Date(`${String(stored)}Z`),
  },
}
