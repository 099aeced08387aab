import type { DialectName } from '@millrace/db/sql/dialect'
import type { Trouble } from '@millrace/db/sql/troubles'

/**
 * What a trouble looks like in a dialect: the words in `cause` of the log line and in `why` of a command, `…` standing
 * for what differs. Or why it can't come about there.
 */
export type Seen = { readonly words: string } | { readonly never: string }

/** A trouble as docs/troubleshooting.md tells of it; title, code, status, waiting time and fix are the product's. */
export interface TroublePage {
  readonly trouble: Trouble
  readonly cause: string
  /** How to find out more, and what else fixes it. */
  readonly more: string
  readonly seen: Readonly<Record<DialectName, Seen>>
}

const noServer = { never: 'A file has no server.' }
const noUsers = {
  never: 'A file has no users and no TLS; the gateway refuses to start on a file that it may not write.',
}

export const troublePages: readonly TroublePage[] = [
  {
    trouble: 'database_unreachable',
    cause: 'The functions got no answer: the gateway is not running, its address is wrong, or the network failed.',
    more: 'Send `GET /healthz` to the gateway at `DATABASE_GATEWAY_URL`. If the answer of a write was lost, Millrace looks up whether it happened before it sends it again. If nobody can tell, the write gets this error, and may have happened or still happen.',
    seen: {
      sqlite: { words: 'the connection to the database was refused or broke' },
      postgres: { words: 'the connection to the database was refused or broke' },
      mysql: { words: 'the connection to the database was refused or broke' },
    },
  },
  {
    trouble: 'connection_refused',
    cause: 'No database server accepts connections at the host and port of `DATABASE_URL`.',
    more: 'Check that it is running (`pg_isready -h HOST -p PORT`, `mariadb-admin -h HOST -P PORT ping`) and that it listens on this address, not only on loopback.',
    seen: {
      sqlite: noServer,
      postgres: { words: 'PostgreSQL: connect ECONNREFUSED … (SQLSTATE 08006)' },
      mysql: { words: 'MySQL error 2003: connect ECONNREFUSED …' },
    },
  },
  {
    trouble: 'unknown_host',
    cause: 'The gateway cannot resolve the host name in `DATABASE_URL`.',
    more: "On the gateway's machine, run `getent hosts HOST`. Between containers, the host is the name of the service.",
    seen: {
      sqlite: noServer,
      postgres: { words: 'PostgreSQL: getaddrinfo … (SQLSTATE 08006)' },
      mysql: { words: 'MySQL error 2003: getaddrinfo …' },
    },
  },
  {
    trouble: 'database_auth_failed',
    cause: 'The server does not know the user, or the password is wrong.',
    more: 'Write `@` as `%40`, `:` as `%3A`, `/` as `%2F` in user and password. Functions and gateway need the same `DATABASE_URL`. MariaDB gives the same error if a user must use TLS.',
    seen: {
      sqlite: noUsers,
      postgres: { words: 'PostgreSQL: password authentication failed for user "…" (SQLSTATE 28P01)' },
      mysql: { words: "MySQL error 1045: Access denied for user '…' (using password: YES)" },
    },
  },
  {
    trouble: 'permission_denied',
    cause: "The user can log in but lacks a right: a grant is missing, or a migration ran as the functions' user.",
    more: '[Databases](databases.md#postgresql) lists the grants of both users. On MySQL, error 1044 can also mean that the database does not exist.',
    seen: {
      sqlite: noUsers,
      postgres: { words: 'PostgreSQL: permission denied for table … (SQLSTATE 42501)' },
      mysql: { words: "MySQL error 1142: INSERT command denied to user '…' for table …" },
    },
  },
  {
    trouble: 'database_missing',
    cause: 'The server has no database with this name. On SQLite, the file or its folder does not exist.',
    more: 'Run `create database` with the right owner: see [Databases](databases.md). A SQLite path with three slashes is relative to the directory in which the command was called.',
    seen: {
      sqlite: { words: 'SQLite: SQLITE_CANTOPEN: …' },
      postgres: { words: 'PostgreSQL: database "…" does not exist (SQLSTATE 3D000)' },
      mysql: { words: "MySQL error 1049: Unknown database '…'" },
    },
  },
  {
    trouble: 'tls_required',
    cause: 'The server refuses unencrypted connections, and `sslmode` is `disable`, or `prefer` fell back to no TLS.',
    more: 'MariaDB 10.11 reports this as a [wrong password](#wrong-password) (1045). MariaDB 11.8 and MySQL use error 3159.',
    seen: {
      sqlite: noServer,
      postgres: { words: 'PostgreSQL: no pg_hba.conf entry for host …, no encryption (SQLSTATE 28000)' },
      mysql: { words: "MySQL error 1045: Access denied for user '…' (using password: YES)" },
    },
  },
  {
    trouble: 'tls_unsupported',
    cause: '`sslmode` is `require` or stricter (the default for other machines), and the server does not support TLS.',
    more: 'PostgreSQL: `ssl = on` with `ssl_cert_file` and `ssl_key_file`. MariaDB: `ssl_cert` and `ssl_key`.',
    seen: {
      sqlite: noServer,
      postgres: { words: 'PostgreSQL: The server does not support SSL connections (SQLSTATE 08006)' },
      mysql: { words: 'MySQL error 2003: Server does not support secure connection' },
    },
  },
  {
    trouble: 'certificate_untrusted',
    cause: 'The certificate is self-signed, is from an unknown authority, has expired, or is for another host name.',
    more: "The message says which: `self-signed certificate`, `unable to verify`, `certificate has expired`, `does not match certificate's altnames`. Show it with `openssl s_client -connect HOST:PORT -starttls postgres` (or `mysql`).",
    seen: {
      sqlite: noServer,
      postgres: { words: 'PostgreSQL: …certificate… (SQLSTATE 08006)' },
      mysql: { words: 'MySQL error 2003: …certificate…' },
    },
  },
  {
    trouble: 'too_many_connections',
    cause: 'The server has reached its limit of connections, or the limit of this user.',
    more: 'Gateways × (`pool_size` + `max_overflow`) must stay below `max_connections`: see [the pool](databases.md#the-pool).',
    seen: {
      sqlite: noServer,
      postgres: { words: 'PostgreSQL: too many connections for role "…" (SQLSTATE 53300)' },
      mysql: { words: "MySQL error 1226: User '…' has exceeded the 'max_user_connections' resource…" },
    },
  },
  {
    trouble: 'pool_exhausted',
    cause: 'No connection of the gateway became free within `pool_timeout`.',
    more: 'In `GET /status` of the gateway, `waiting` stays above 0. The log has slow statements as `slow_query`.',
    seen: {
      sqlite: { words: 'SQLite: SQLITE_BUSY: No database connection came free within … s (pool_timeout): …' },
      postgres: { words: 'no connection to the database was free' },
      mysql: { words: 'MySQL error 1203: No database connection came free within … s (pool_timeout): …' },
    },
  },
  {
    trouble: 'deadlock',
    cause: "Two transactions waited for each other, and the database ended Millrace's transaction at each attempt.",
    more: 'Millrace tries again after single deadlocks, so you do not see them. Look for other programs: `log_lock_waits` on PostgreSQL, `show engine innodb status` on MySQL.',
    seen: {
      sqlite: { never: 'SQLite has one writer at a time.' },
      postgres: { words: 'PostgreSQL: deadlock detected (SQLSTATE 40P01)' },
      mysql: { words: 'MySQL error 1213: Deadlock found when trying to get lock; try restarting transaction' },
    },
  },
  {
    trouble: 'lock_wait',
    cause:
      'Another transaction held a lock for longer than `lock_timeout` (PostgreSQL), `innodb_lock_wait_timeout` (MySQL), or 5 s (SQLite).',
    more: 'Find the transaction that holds the lock: `pg_blocking_pids()` on PostgreSQL, `information_schema.innodb_trx` on MySQL. On SQLite, look for another program that has the file open.',
    seen: {
      sqlite: { words: 'SQLite: SQLITE_BUSY: SQLite error: database is locked' },
      postgres: { words: 'PostgreSQL: canceling statement due to lock timeout (SQLSTATE 55P03)' },
      mysql: { words: 'MySQL error 1205: Lock wait timeout exceeded; try restarting transaction' },
    },
  },
  {
    trouble: 'statement_timeout',
    cause:
      'A statement exceeded `statement_timeout` (PostgreSQL), `max_statement_time` (MariaDB) or `max_execution_time` (MySQL).',
    more: 'The log has it as `slow_query`; see [Performance](performance.md).',
    seen: {
      sqlite: { never: 'SQLite has no such limit.' },
      postgres: { words: 'PostgreSQL: canceling statement due to statement timeout (SQLSTATE 57014)' },
      mysql: { words: 'MySQL error 1969: Query execution was interrupted (max_statement_time exceeded)' },
    },
  },
  {
    trouble: 'disk_full',
    cause: 'The disk of the database is full. The request changed nothing.',
    more: 'Reads still work. MariaDB may stop when the disk is full; then it cannot be reached.',
    seen: {
      sqlite: { words: 'SQLite: SQLITE_FULL: SQLite error: database or disk is full' },
      postgres: { words: 'PostgreSQL: could not extend file "…": No space left on device (SQLSTATE 53100)' },
      mysql: { words: "MySQL error 1114: The table '…' is full" },
    },
  },
  {
    trouble: 'read_only',
    cause: '`DATABASE_URL` points to a replica, or to a server or database that is set to read-only.',
    more: 'After a failover, point the host name to the new primary; the gateway reconnects. Set a replica in `DATABASE_READ_URL`, not in `DATABASE_URL`.',
    seen: {
      sqlite: noUsers,
      postgres: { words: 'PostgreSQL: cannot execute … in a read-only transaction (SQLSTATE 25006)' },
      mysql: {
        words:
          'MySQL error 1290: The MariaDB server is running with the --read-only option so it cannot execute this statement',
      },
    },
  },
  {
    trouble: 'database_schema_outdated',
    cause: 'Migrations are pending, or a table or column is missing.',
    more: '`npx millrace migrate status` lists pending migrations; `npx millrace doctor` compares tables, columns and indexes.',
    seen: {
      sqlite: { words: 'SQLite: …no such table: …' },
      postgres: { words: 'PostgreSQL: relation "…" does not exist (SQLSTATE 42P01)' },
      mysql: { words: "MySQL error 1146: Table '…' doesn't exist" },
    },
  },
  {
    trouble: 'json_unsupported',
    cause:
      'The server is too old: it lacks the type `json` or the function `json_valid`, which the tables need. `millrace migrate` reports it.',
    more: 'Documents are stored as exact text, but the database checks that they are JSON. A newer server is needed.',
    seen: {
      sqlite: { never: 'The included SQLite supports it.' },
      postgres: { words: 'PostgreSQL: type "…json" does not exist (SQLSTATE 42704)' },
      mysql: { words: 'MySQL error 1305: FUNCTION …json_valid does not exist' },
    },
  },
]
