import type { DialectName } from '@millrace/db/sql/dialect'
import type { Trouble } from '@millrace/db/sql/troubles'

/**
 * What a trouble looks like in a dialect: the words in `cause` of the log line and in `why` of a command, `…` standing
 * for what differs. Or why it can't come about there.
 */
export type Seen = { readonly words: string } | { readonly never: string }

/** A trouble as docs/troubleshooting.md tells of it; title, code, status, waiting time and cure are the product's. */
export interface TroublePage {
  readonly trouble: Trouble
  readonly cause: string
  /** How to find out more, and what else mends it. */
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
    cause: 'The functions got no answer: the gateway does not run, its address is wrong, or the way to it broke.',
    more: 'Ask `GET /healthz` of the gateway at `DATABASE_GATEWAY_URL`. A write whose answer was lost is looked up, never done twice.',
    seen: {
      sqlite: { words: 'the connection to the database was refused or broke' },
      postgres: { words: 'the connection to the database was refused or broke' },
      mysql: { words: 'the connection to the database was refused or broke' },
    },
  },
  {
    trouble: 'connection_refused',
    cause: 'No database server takes connections at the host and port of `DATABASE_URL`.',
    more: 'Look whether it runs (`pg_isready -h HOST -p PORT`, `mariadb-admin -h HOST -P PORT ping`) and listens on that address, not on loopback only.',
    seen: {
      sqlite: noServer,
      postgres: { words: 'PostgreSQL: connect ECONNREFUSED … (SQLSTATE 08006)' },
      mysql: { words: 'MySQL error 2003: connect ECONNREFUSED …' },
    },
  },
  {
    trouble: 'unknown_host',
    cause: 'The name of the host in `DATABASE_URL` leads nowhere, as seen from the gateway.',
    more: 'Ask from the machine of the gateway: `getent hosts HOST`. In a container the name is that of the service.',
    seen: {
      sqlite: noServer,
      postgres: { words: 'PostgreSQL: getaddrinfo … (SQLSTATE 08006)' },
      mysql: { words: 'MySQL error 2003: getaddrinfo …' },
    },
  },
  {
    trouble: 'database_auth_failed',
    cause: 'The server does not know the user, or the password is another.',
    more: 'Write `@` as `%40`, `:` as `%3A`, `/` as `%2F` in user and password. Functions and gateway need the same `DATABASE_URL`. MariaDB answers the same where a user, or everyone, has to use TLS.',
    seen: {
      sqlite: noUsers,
      postgres: { words: 'PostgreSQL: password authentication failed for user "…" (SQLSTATE 28P01)' },
      mysql: { words: "MySQL error 1045: Access denied for user '…' (using password: YES)" },
    },
  },
  {
    trouble: 'permission_denied',
    cause: 'The user may log in, but not do this: a grant is missing, or a migration ran as the user of the functions.',
    more: '[Databases](databases.md#postgresql) has the grants of both users. On MySQL error 1044 also means that the database does not exist.',
    seen: {
      sqlite: noUsers,
      postgres: { words: 'PostgreSQL: permission denied for table … (SQLSTATE 42501)' },
      mysql: { words: "MySQL error 1142: INSERT command denied to user '…' for table …" },
    },
  },
  {
    trouble: 'database_missing',
    cause: 'The server has no database of that name; of SQLite, the file or its folder is gone.',
    more: '`create database`, with its owner: see [Databases](databases.md). For SQLite look where the command was called: three slashes are relative to it.',
    seen: {
      sqlite: { words: 'SQLite: SQLITE_CANTOPEN: …' },
      postgres: { words: 'PostgreSQL: database "…" does not exist (SQLSTATE 3D000)' },
      mysql: { words: "MySQL error 1049: Unknown database '…'" },
    },
  },
  {
    trouble: 'tls_required',
    cause: 'The server takes no connection in the clear, and `sslmode` is `disable`, or `prefer` fell back.',
    more: 'MariaDB tells it as a [wrong password](#wrong-password) (1045); MySQL 8 as error 3159, which was not available here.',
    seen: {
      sqlite: noServer,
      postgres: { words: 'PostgreSQL: no pg_hba.conf entry for host …, no encryption (SQLSTATE 28000)' },
      mysql: { words: "MySQL error 1045: Access denied for user '…' (using password: YES)" },
    },
  },
  {
    trouble: 'tls_unsupported',
    cause: '`sslmode` is `require` or more, which it is beyond loopback by default, and the server has no TLS.',
    more: 'PostgreSQL: `ssl = on` with `ssl_cert_file` and `ssl_key_file`. MariaDB: `ssl_cert` and `ssl_key`.',
    seen: {
      sqlite: noServer,
      postgres: { words: 'PostgreSQL: The server does not support SSL connections (SQLSTATE 08006)' },
      mysql: { words: 'MySQL error 2003: Server does not support secure connection' },
    },
  },
  {
    trouble: 'certificate_untrusted',
    cause: 'The certificate is self-signed or of an unknown authority, has expired, or is for another host name.',
    more: "The words say which: `self-signed certificate`, `unable to verify`, `certificate has expired`, `does not match certificate's altnames`. Look at it with `openssl s_client -connect HOST:PORT -starttls postgres` (or `mysql`).",
    seen: {
      sqlite: noServer,
      postgres: { words: 'PostgreSQL: …certificate… (SQLSTATE 08006)' },
      mysql: { words: 'MySQL error 2003: …certificate…' },
    },
  },
  {
    trouble: 'too_many_connections',
    cause: 'The server, or its limit for the user, has as many connections as it allows.',
    more: 'Gateways × (`pool_size` + `max_overflow`) has to stay below `max_connections`: see [the pool](databases.md#the-pool).',
    seen: {
      sqlite: noServer,
      postgres: { words: 'PostgreSQL: too many connections for role "…" (SQLSTATE 53300)' },
      mysql: { words: "MySQL error 1226: User '…' has exceeded the 'max_user_connections' resource…" },
    },
  },
  {
    trouble: 'pool_exhausted',
    cause: 'No connection of the gateway came free within `pool_timeout`.',
    more: 'Look at `GET /status` of the gateway: `waiting` above 0 for long. Slow statements are in the log as `slow_query`.',
    seen: {
      sqlite: { words: 'SQLite: SQLITE_BUSY: No database connection came free within … s (pool_timeout): …' },
      postgres: { words: 'no connection to the database was free' },
      mysql: { words: 'MySQL error 1203: No database connection came free within … s (pool_timeout): …' },
    },
  },
  {
    trouble: 'deadlock',
    cause: 'Two transactions waited for each other, and the database ended the one of Millrace at each attempt.',
    more: 'Single ones are tried again and not seen. Look for other programs: `log_lock_waits` of PostgreSQL, `show engine innodb status` of MySQL.',
    seen: {
      sqlite: { never: 'It has one writer at a time.' },
      postgres: { words: 'PostgreSQL: deadlock detected (SQLSTATE 40P01)' },
      mysql: { words: 'MySQL error 1213: Deadlock found when trying to get lock; try restarting transaction' },
    },
  },
  {
    trouble: 'lock_wait',
    cause:
      'Another transaction held a lock for longer than `lock_timeout` (PostgreSQL), `innodb_lock_wait_timeout` (MySQL), or 5 s (SQLite).',
    more: 'Find who holds it: `pg_blocking_pids()` of PostgreSQL, `information_schema.innodb_trx` of MySQL; of SQLite, another program that has the file open.',
    seen: {
      sqlite: { words: 'SQLite: SQLITE_BUSY: SQLite error: database is locked' },
      postgres: { words: 'PostgreSQL: canceling statement due to lock timeout (SQLSTATE 55P03)' },
      mysql: { words: 'MySQL error 1205: Lock wait timeout exceeded; try restarting transaction' },
    },
  },
  {
    trouble: 'statement_timeout',
    cause:
      'A statement ran into `statement_timeout` (PostgreSQL), `max_statement_time` (MariaDB) or `max_execution_time` (MySQL).',
    more: 'The log has it as `slow_query`; see [Performance](performance.md).',
    seen: {
      sqlite: { never: 'It has no such limit.' },
      postgres: { words: 'PostgreSQL: canceling statement due to statement timeout (SQLSTATE 57014)' },
      mysql: { words: 'MySQL error 1969: Query execution was interrupted (max_statement_time exceeded)' },
    },
  },
  {
    trouble: 'disk_full',
    cause: 'The database has no room to write to. Nothing of the request was done.',
    more: 'Reads still work. MariaDB may stop when the disk is full, and can then not be reached.',
    seen: {
      sqlite: { words: 'SQLite: SQLITE_FULL: SQLite error: database or disk is full' },
      postgres: { words: 'PostgreSQL: could not extend file "…": No space left on device (SQLSTATE 53100)' },
      mysql: { words: "MySQL error 1114: The table '…' is full" },
    },
  },
  {
    trouble: 'read_only',
    cause: '`DATABASE_URL` leads to a replica, or to a server or database that was set to take no writes.',
    more: 'After a failover, point the host name to the new primary; the gateway reconnects. Put a replica into `DATABASE_READ_URL`, not `DATABASE_URL`.',
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
    cause: 'Migrations are pending, or a table or column is gone.',
    more: '`npx millrace migrate status` lists what is pending; `npx millrace doctor` compares tables, columns and indexes.',
    seen: {
      sqlite: { words: 'SQLite: …no such table: …' },
      postgres: { words: 'PostgreSQL: relation "…" does not exist (SQLSTATE 42P01)' },
      mysql: { words: "MySQL error 1146: Table '…' doesn't exist" },
    },
  },
  {
    trouble: 'json_unsupported',
    cause:
      'The server is older than the type `json` or the function `json_valid`, which the tables need. `millrace migrate` meets it.',
    more: 'Documents are stored as exact text, but the database checks that they are JSON. A newer server is needed.',
    seen: {
      sqlite: { never: 'The one that the gateway brings has it.' },
      postgres: { words: 'PostgreSQL: type "…json" does not exist (SQLSTATE 42704)' },
      mysql: { words: 'MySQL error 1305: FUNCTION …json_valid does not exist' },
    },
  },
]
