interface TroubleFacts {
  /** What callers are told. */
  readonly fault: DatabaseFault
  /** For the operator: the command or setting that fixes it. */
  readonly fix: string
  /** Set where waiting helps. */
  readonly retryAfterSeconds?: number
}

/** What those look like in each dialect, and the page for people: scripts/trouble-pages.ts. */
const troubles = {
  database_unreachable: {
    fault: 'database_unreachable',
    fix: 'Check that the database server (or the gateway) is running, and the host, port and firewall; try again.',
    retryAfterSeconds: 5,
  },
  connection_refused: {
    fault: 'database_unreachable',
    fix: 'Start the database server, or correct the host and port in DATABASE_URL; check the firewall.',
    retryAfterSeconds: 5,
  },
  unknown_host: {
    fault: 'database_unreachable',
    fix: 'Correct the host in DATABASE_URL; check the DNS.',
    retryAfterSeconds: 5,
  },
  tls_unsupported: {
    fault: 'database_unreachable',
    fix: 'Enable TLS on the database server, or set sslmode=disable on a network that you trust.',
  },
  certificate_untrusted: {
    fault: 'database_unreachable',
    fix: "Renew the server's certificate, set its authority as ssl_ca, or use a host name that the certificate contains.",
  },
  database_auth_failed: {
    fault: 'database_auth_failed',
    fix: "Correct the user and the password in DATABASE_URL, percent-encoded; on MySQL check the user's host, and whether the user must use TLS.",
  },
  token_refused: {
    fault: 'database_auth_failed',
    fix: 'Set the same DATABASE_GATEWAY_TOKEN for functions and gateway; for Turso and libSQL correct DATABASE_AUTH_TOKEN.',
  },
  permission_denied: {
    fault: 'database_auth_failed',
    fix: 'Grant the user the rights that it needs (docs/databases.md); migrate as the owner of the tables.',
  },
  tls_required: {
    fault: 'database_auth_failed',
    fix: 'The database server refuses unencrypted connections: set sslmode=require, or better verify-full.',
  },
  database_missing: {
    fault: 'database_missing',
    fix: 'Create the database, or correct its name in DATABASE_URL.',
  },
  database_schema_outdated: {
    fault: 'database_schema_outdated',
    fix: 'Run `millrace migrate` against this DATABASE_URL. If nothing is pending, a table or column is missing: `millrace doctor` prints the SQL that creates it.',
  },
  json_unsupported: {
    fault: 'database_schema_outdated',
    fix: 'Use a newer database server: PostgreSQL 15, MySQL 8.0.16, MariaDB 10.6, or later.',
  },
  database_busy: {
    fault: 'database_busy',
    fix: 'Try again; if it happens again, raise pool_size or look for long transactions.',
    retryAfterSeconds: 1,
  },
  too_many_connections: {
    fault: 'database_busy',
    fix: "Raise the database server's limit of connections, or lower pool_size and max_overflow of its gateways.",
    retryAfterSeconds: 1,
  },
  pool_exhausted: {
    fault: 'database_busy',
    fix: 'Raise pool_size and max_overflow; look for slow statements and long transactions.',
    retryAfterSeconds: 1,
  },
  deadlock: {
    fault: 'database_busy',
    fix: 'Try again; if it happens again, look for other programs that write to these tables.',
    retryAfterSeconds: 1,
  },
  lock_wait: {
    fault: 'database_busy',
    fix: 'Try again; if it happens again, look for the transaction that holds the lock.',
    retryAfterSeconds: 1,
  },
  disk_full: {
    fault: 'database_busy',
    fix: "Free space on the database server's disk.",
    retryAfterSeconds: 30,
  },
  read_only: {
    fault: 'database_busy',
    fix: 'Point DATABASE_URL to the primary, not to a replica, and make the database writable.',
    retryAfterSeconds: 30,
  },
  database_timeout: {
    fault: 'database_timeout',
    fix: 'Try again; if it happens again, look for slow queries and locks.',
    retryAfterSeconds: 1,
  },
  statement_timeout: {
    fault: 'database_timeout',
    fix: "Look for slow queries and locks, or raise the database's time limit for a statement.",
    retryAfterSeconds: 1,
  },
  restore_in_progress: {
    fault: 'restore_in_progress',
    fix: 'Wait until it ends. If it was interrupted: `millrace restore FILE --resume`, `millrace copy … --resume`, or `millrace restore --abandon`.',
    retryAfterSeconds: 30,
  },
  unique_violation: { fault: 'unique_violation', fix: 'A row with the same key exists.' },
  foreign_key_violation: {
    fault: 'foreign_key_violation',
    fix: 'A row that is referred to does not exist, or is still referred to.',
  },
  check_violation: { fault: 'check_violation', fix: 'A value is not among those that the column allows.' },
  row_too_large: {
    fault: 'row_too_large',
    fix: 'Store smaller documents: all documents in a row count, and Cloudflare D1 allows 2 MB in a row. Or use another database (docs/databases.md).',
  },
  internal: {
    fault: 'internal',
    fix: 'This is a defect of millrace or an unknown answer of the database: report it with this message.',
  },
} as const satisfies Readonly<Record<string, Omit<TroubleFacts, 'fault'> & { readonly fault: string }>>

/** What can be the matter with a database, closed. */
export type Trouble = keyof typeof troubles

/** What can go wrong with a database, closed. Each is a trouble too: the one where no more is known. */
export type DatabaseFault = (typeof troubles)[Trouble]['fault']

/** The fault, fix and waiting time of a trouble. */
export function factsOf(trouble: Trouble): TroubleFacts {
  return troubles[trouble]
}
