export type Dialect = 'sqlite' | 'postgres' | 'mysql'

/** `require` encrypts and verifies only against a given `tlsCaFile`; `verify-ca` and `verify-full` always verify. */
export type TlsMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'

export interface ConnectionOptions {
  readonly poolSize: number
  readonly maxOverflow: number
  readonly poolTimeoutSeconds: number
  /** -1: never. */
  readonly poolRecycleSeconds: number
  readonly poolPrePing: boolean
  readonly connectTimeoutSeconds: number
  readonly tlsMode: TlsMode
  readonly tlsCaFile: string | undefined
}

interface ServerAddress {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  readonly options: ConnectionOptions
}

/** Where a DATABASE_URL leads. What is `via: 'file'` or `'gateway'` is reached through millrace's own gateway. */
export type Target =
  | { readonly dialect: 'sqlite'; readonly via: 'file'; readonly path: string; readonly options: ConnectionOptions }
  | {
      readonly dialect: 'sqlite'
      readonly via: 'libsql'
      readonly url: string
      readonly authToken: string | undefined
      readonly options: ConnectionOptions
    }
  | ({ readonly dialect: 'postgres'; readonly via: 'neon' | 'gateway' } & ServerAddress)
  | ({ readonly dialect: 'mysql'; readonly via: 'planetscale' | 'gateway' } & ServerAddress)

/** `why` holds the redacted URL with a line of carets under the part that is wrong. */
export interface UrlError {
  readonly what: string
  readonly why: string
  readonly fix: string
}

export type ParsedUrl =
  | { readonly ok: true; readonly target: Target; readonly notices: readonly string[] }
  | { readonly ok: false; readonly error: UrlError }

export interface UrlEnvironment {
  readonly DATABASE_AUTH_TOKEN?: string | undefined
}
