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
  /** For libSQL what its scheme says, for a file `disable`. */
  readonly tlsMode: TlsMode
  readonly tlsCaFile: string | undefined
}

export interface ServerAddress {
  /** In lower case; an IPv6 address without its brackets. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  /** Empty when the URL has none. */
  readonly password: string
  readonly options: ConnectionOptions
}

/** The address is that of the binding's connection string. */
type HyperdriveTarget<Dialect extends string> = ServerAddress & {
  readonly dialect: Dialect
  readonly via: 'hyperdrive'
  /** The Worker's Hyperdrive binding, as wrangler's configuration names it. */
  readonly binding: string
}

/** Where a DATABASE_URL leads. What is `via: 'file'` or `'gateway'` is reached through millrace's own gateway. */
export type Target =
  | {
      readonly dialect: 'sqlite'
      readonly via: 'file'
      /** As written: relative or absolute. */
      readonly path: string
      readonly options: ConnectionOptions
    }
  | {
      readonly dialect: 'sqlite'
      readonly via: 'libsql'
      /** `https://host[:port]` or `http://host[:port]`. */
      readonly url: string
      readonly authToken: string | undefined
      readonly options: ConnectionOptions
    }
  | {
      readonly dialect: 'sqlite'
      readonly via: 'd1'
      /** The Worker's binding of the D1 database, as wrangler's configuration names it. */
      readonly binding: string
      /** Of the deployed database, a UUID in lower case. Commands reach that one; without it, the local one. */
      readonly databaseId: string | undefined
      readonly options: ConnectionOptions
    }
  | ({ readonly dialect: 'postgres'; readonly via: 'neon' | 'gateway' } & ServerAddress)
  | ({ readonly dialect: 'mysql'; readonly via: 'planetscale' | 'gateway' } & ServerAddress)
  | HyperdriveTarget<'postgres'>
  | HyperdriveTarget<'mysql'>

export interface UrlEnvironment {
  readonly DATABASE_AUTH_TOKEN?: string | undefined
  /** What the URL was given by, as errors and notices name it: a variable or an option. DATABASE_URL when absent. */
  readonly givenBy?: string | undefined
  /** The Worker's Hyperdrive binding of that name; undefined where there is none such. */
  readonly hyperdrive?: ((binding: string) => HyperdriveBinding | undefined) | undefined
}

/**
 * What a Hyperdrive binding says of itself. Who connects takes its members: workerd writes them into the connection
 * string without percent-encoding.
 */
export interface HyperdriveBinding {
  readonly connectionString: string
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
}
