/** Where a test server listens, and as whom the tests log in. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** A database that is there, to connect to while creating others; PostgreSQL demands one. */
  readonly database: string
}

export interface TestServer {
  readonly address: ServerAddress
  stop(): Promise<void>
}

/** A server that can't be had here, and why, with what mends it. */
export interface MissingServer {
  readonly missing: string
}

/** Holds the characters that a URL must escape, so that no test passes with an unescaped one by luck. */
export const testPassword = 'mill:race/p@ss%41+?#&='

/** Reads TEST_POSTGRES_URL or TEST_MYSQL_URL; port and database are those of `defaults` where it names none. */
export function parseAddress(url: string, defaults: Pick<ServerAddress, 'port' | 'database'>): ServerAddress {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    host: hostname,
    port: port === '' ? defaults.port : Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)) || defaults.database,
  }
}
