import type { CheckId } from '@millrace/db/checklist/checks'

interface Explanation {
  readonly looksAt: string
  /** When it warns or fails, each with its threshold. */
  readonly complainsWhen: string
  readonly mending: string
}

/** Each check in words: the table of docs/doctor.md, which a test compares with this. */
export const explanations: Readonly<Record<CheckId, Explanation>> = {
  url: {
    looksAt: '`DATABASE_URL` and `DATABASE_GATEWAY_URL`',
    complainsWhen: 'fails when one can not be understood; a caret points at the part',
    mending: 'correct it; [databases](databases.md) has every spelling',
  },
  reachable: {
    looksAt: "the first question to the server, and to the functions' gateway where `DATABASE_GATEWAY_URL` is set",
    complainsWhen: 'fails when nobody answers, or a file has no directory',
    mending: 'start the server or the gateway; correct host, port or path; open the firewall',
  },
  auth: {
    looksAt: 'user, password or token; the rights to read and write the tables; whether the server takes writes',
    complainsWhen: 'fails when one is refused',
    mending: 'correct the credentials; grant the rights ([databases](databases.md)); point to the primary',
  },
  'database.exists': {
    looksAt: 'the database that the URL names, or the SQLite file',
    complainsWhen: 'fails when it is not there, or is not a database',
    mending: '`create database`, or `millrace migrate` for a file; or correct the name',
  },
  tls: {
    looksAt: 'what the connection really uses; the scheme of `DATABASE_GATEWAY_URL`',
    complainsWhen:
      'fails without encryption beyond this machine; warns when it is encrypted and nobody verifies the certificate',
    mending: '`?sslmode=verify-full&ssl_ca=FILE` in `DATABASE_URL`; HTTPS before the gateway',
  },
  charset: {
    looksAt: 'the encoding of the database or connection, and of every text column',
    complainsWhen: 'fails for anything but UTF-8 (`utf8mb4`)',
    mending: 'the statement in `sql`; to change the encoding of a database, create a new one and use `millrace copy`',
  },
  collation: {
    looksAt: 'how text columns compare',
    complainsWhen: 'fails when not by bytes (`utf8mb4_bin`, `C`, `BINARY`)',
    mending: 'the statement of `sql`; on SQLite a new file and `millrace copy`',
  },
  'schema.migrations': {
    looksAt: 'the migrations that are recorded, and their hashes',
    complainsWhen: 'fails when one is missing or was edited after it was applied; newer migrations are accepted',
    mending: '`millrace migrate`, or `millrace migrate --accept-changed NAME`',
  },
  'schema.table': {
    looksAt: 'every table',
    complainsWhen: 'fails when one is missing',
    mending: 'the statement of `sql`',
  },
  'schema.column': {
    looksAt: 'every column, its type, whether it takes null; columns beyond these are fine',
    complainsWhen: 'fails when one is missing or otherwise',
    mending: 'the statement of `sql`; where SQLite has none, a new file and `millrace copy`',
  },
  'schema.index': {
    looksAt: 'every index, by its columns, and the primary keys',
    complainsWhen: 'fails when one is missing, or is not unique where it must be',
    mending: 'the statement of `sql`',
  },
  'schema.foreign_key': {
    looksAt: 'every foreign key',
    complainsWhen: 'warns when one is missing: some platforms refuse them, and the statements keep to them anyway',
    mending: 'the statement of `sql`',
  },
  'json.support': {
    looksAt: 'the functions and types that checks and statements use, by using them',
    complainsWhen: 'fails when one is missing, or judges otherwise than it should',
    mending: 'a newer server: PostgreSQL 9.4, MySQL 8.0.16, MariaDB 10.5, SQLite 3.38',
  },
  'pool.size': {
    looksAt: "`pool_size` + `max_overflow`, beside the server's, the user's and the database's limits",
    complainsWhen: 'fails above the lowest limit; warns above four fifths of it',
    mending: '`?pool_size=…&max_overflow=…` in `DATABASE_URL`, or a higher limit on the server',
  },
  clock: {
    looksAt: "the database's time, beside ours before and after the question",
    complainsWhen: 'warns beyond 1 s, fails beyond 30 s',
    mending: 'NTP on both machines',
  },
  'sqlite.production': {
    looksAt: 'the kind of database',
    complainsWhen: 'fails for a SQLite file',
    mending: 'PostgreSQL, MySQL or MariaDB, and `millrace copy`',
  },
  replica: {
    looksAt: 'what `DATABASE_READ_URL` leads to: reachable, migrated, the newest rows, taking no writes',
    complainsWhen: 'fails when it can not be read or is 300 s behind; warns from 10 s on, and when it takes writes',
    mending: 'the replication on the server; or unset it: the primary answers everything',
  },
  'backup.configured': {
    looksAt: 'the table `backups`, which every backup writes to; `BACKUP_KEEP`',
    complainsWhen: 'fails when no backup was ever taken',
    mending: '`millrace backup --out FILE`, by a schedule ([backups](backups.md))',
  },
  'backup.age': {
    looksAt: 'the last successful backup',
    complainsWhen: 'warns when it is older than 26 hours or a newer one failed, fails beyond 50 hours',
    mending: 'the reason that the failed one recorded; a backup every day',
  },
  'backup.encrypted': {
    looksAt: 'the last successful backup; `BACKUP_RECIPIENTS`',
    complainsWhen: 'warns when it is not encrypted',
    mending: '`BACKUP_RECIPIENTS`, or `millrace backup --recipient age1…`',
  },
  'backup.drilled': {
    looksAt: 'the last restore for trial; `BACKUP_IDENTITY`',
    complainsWhen: 'fails when there was none, warns when it was more than 35 days ago',
    mending: '`millrace drill FILE --database URL`, once a month',
  },
  'secret.auth_keys': {
    looksAt: '`AUTH_KEYS`',
    complainsWhen: 'fails when it is not set, malformed, short, or no random bytes',
    mending: '`millrace secrets new`',
  },
  'secret.settings_keys': {
    looksAt: "`SETTINGS_KEYS`, and the keys that secrets in users' settings are sealed under",
    complainsWhen: 'fails when it is not set, malformed, no random bytes, or lacks a key that is in use',
    mending: '`millrace secrets new`; put the missing key back; `millrace keys rotate`',
  },
  'secret.metrics_token': {
    looksAt: '`METRICS_TOKEN`',
    complainsWhen: 'warns when it is not set, fails when it can be guessed',
    mending: '`millrace secrets new`',
  },
  'secret.reuse': {
    looksAt: "the keys, the tokens and the database's own secret, side by side",
    complainsWhen: 'fails when a secret is used in two places',
    mending: '`millrace secrets new`, for each its own',
  },
  'restore.unfinished': {
    looksAt: 'the mark that a restore leaves until it is proved',
    complainsWhen: 'fails while it is there: requests are answered 503',
    mending: '`millrace restore FILE --resume` or `--abandon`',
  },
  'rows.stale': {
    looksAt: 'leases, Idempotency-Keys, sessions and log-in attempts that outlived their time by an hour',
    complainsWhen: 'warns when there are any',
    mending: "the functions' schedule (`[triggers]` in wrangler.toml), and workers that ask for executions",
  },
  'executions.kept': {
    looksAt: 'how many executions have ended, and `EXECUTION_KEEP`',
    complainsWhen: 'warns when there are 10,000 or more and they are kept for ever',
    mending: '`EXECUTION_KEEP=30d`',
  },
  'registration.open': {
    looksAt: '`REGISTRATION`',
    complainsWhen: 'warns when anyone may register',
    mending: '`REGISTRATION=closed`, and `millrace user add`',
  },
  jit: {
    looksAt: 'whether PostgreSQL compiles statements',
    complainsWhen: 'warns when it does: one that seems expensive takes seconds longer',
    mending: '`alter role current_user set jit = off`',
  },
}
