import type { CheckId } from '@millrace/db/checklist/checks'

interface Explanation {
  readonly looksAt: string
  /** When it warns or fails, with the thresholds. */
  readonly reports: string
  readonly fix: string
}

/** Each check in words: the table of docs/doctor.md, which a test compares with this. */
export const explanations: Readonly<Record<CheckId, Explanation>> = {
  url: {
    looksAt: '`DATABASE_URL` and `DATABASE_GATEWAY_URL`',
    reports: 'fails if one is not a valid URL; a caret marks the wrong part',
    fix: 'correct it; [Databases](databases.md#the-url) lists every form',
  },
  reachable: {
    looksAt: "whether the server answers, and the functions' gateway if `DATABASE_GATEWAY_URL` is set",
    reports: 'fails if there is no answer, or the directory of a SQLite file does not exist',
    fix: 'start the server or the gateway; correct the host, port or path; open the firewall',
  },
  auth: {
    looksAt: 'user, password or token; the rights to read and write the tables; whether the server accepts writes',
    reports: 'fails if one is refused',
    fix: 'correct the credentials; grant the rights ([Databases](databases.md)); connect to the primary',
  },
  'database.exists': {
    looksAt: 'the database in the URL, or the SQLite file',
    reports: 'fails if it does not exist or is not a database',
    fix: '`create database`, or `millrace migrate` for a file; or correct the name',
  },
  tls: {
    looksAt: 'how the connection is encrypted; the scheme of `DATABASE_GATEWAY_URL`',
    reports: 'fails if a connection to another machine is not encrypted; warns if the certificate is not verified',
    fix: '`?sslmode=verify-full&ssl_ca=FILE` in `DATABASE_URL`; HTTPS in front of the gateway',
  },
  charset: {
    looksAt: 'the encoding of the database or connection, and of every text column',
    reports: 'fails if it is not UTF-8 (`utf8mb4`)',
    fix: 'the statement in `sql`; to change the encoding of a database, create a new one and use `millrace copy`',
  },
  collation: {
    looksAt: 'how text columns compare',
    reports: 'fails if a column does not compare by bytes (`utf8mb4_bin`, `C`, `BINARY`)',
    fix: 'the statement in `sql`; on SQLite a new file and `millrace copy`',
  },
  'schema.migrations': {
    looksAt: 'the recorded migrations and their hashes',
    reports: 'fails if one is missing, or was edited after it was applied; newer migrations are accepted',
    fix: '`millrace migrate`, or `millrace migrate --accept-changed NAME`',
  },
  'schema.table': {
    looksAt: 'every table',
    reports: 'fails if one is missing',
    fix: 'the statement in `sql`',
  },
  'schema.column': {
    looksAt: 'every column, its type, and whether it may be null; additional columns are fine',
    reports: 'fails if one is missing or different',
    fix: 'the statement in `sql`; where SQLite has no such statement, a new file and `millrace copy`',
  },
  'schema.index': {
    looksAt: 'every index by its columns, and the primary keys',
    reports: 'fails if one is missing, or is not unique although it has to be',
    fix: 'the statement in `sql`',
  },
  'schema.foreign_key': {
    looksAt: 'every foreign key',
    reports:
      "warns if one is missing: some platforms refuse foreign keys, and Millrace's statements enforce the references anyway",
    fix: 'the statement in `sql`',
  },
  'json.support': {
    looksAt: 'the JSON functions and types that Millrace uses, by running them',
    reports: 'fails if one is missing or gives a wrong result',
    fix: 'a newer server: PostgreSQL 9.4, MySQL 8.0.16, MariaDB 10.5, SQLite 3.38',
  },
  'pool.size': {
    looksAt: '`pool_size` + `max_overflow`, compared with the limits of the server, the user and the database',
    reports: 'fails above the lowest limit; warns above four fifths of it',
    fix: '`?pool_size=…&max_overflow=…` in `DATABASE_URL`, or a higher limit on the server',
  },
  clock: {
    looksAt: "the database's clock, compared with this machine's",
    reports: 'warns from a difference of 1 s, fails from 30 s',
    fix: 'NTP on both machines',
  },
  'sqlite.production': {
    looksAt: 'the kind of database',
    reports: 'fails for a SQLite file',
    fix: 'PostgreSQL, MySQL or MariaDB, and `millrace copy`',
  },
  replica: {
    looksAt: 'the database of `DATABASE_READ_URL`: reachable, migrated, up to date, read-only',
    reports: 'fails if it can not be read or is 300 s behind; warns from 10 s, and if it accepts writes',
    fix: 'correct the replication on the server; or unset the variable, and the primary answers everything',
  },
  'backup.configured': {
    looksAt: 'the table `backups`, where every backup is recorded; `BACKUP_KEEP`',
    reports: 'fails if no backup was ever taken',
    fix: 'schedule `millrace backup --out FILE` ([Backups](backups.md))',
  },
  'backup.age': {
    looksAt: 'the last successful backup',
    reports: 'warns if it is older than 26 hours or a newer one failed; fails above 50 hours',
    fix: 'correct the reason that the failed backup recorded; take a backup every day',
  },
  'backup.encrypted': {
    looksAt: 'the last successful backup; `BACKUP_RECIPIENTS`',
    reports: 'warns if it is not encrypted',
    fix: '`BACKUP_RECIPIENTS`, or `millrace backup --recipient age1…`',
  },
  'backup.drilled': {
    looksAt: 'the last restore test (`millrace drill`); `BACKUP_IDENTITY`',
    reports: 'fails if there was none; warns if it was more than 35 days ago',
    fix: '`millrace drill FILE --database URL`, once a month',
  },
  'secret.auth_keys': {
    looksAt: '`AUTH_KEYS`',
    reports: 'fails if it is not set, malformed, too short, or not random',
    fix: '`millrace secrets new`',
  },
  'secret.settings_keys': {
    looksAt: "`SETTINGS_KEYS`, and the keys that encrypt secrets in users' settings",
    reports: 'fails if it is not set, malformed, not random, or lacks a key that is in use',
    fix: '`millrace secrets new`; put the missing key back; `millrace keys rotate`',
  },
  'secret.metrics_token': {
    looksAt: '`METRICS_TOKEN`',
    reports: 'warns if it is not set; fails if it can be guessed',
    fix: '`millrace secrets new`',
  },
  'secret.reuse': {
    looksAt: "the keys, the tokens and the database's own secret",
    reports: 'fails if one secret is used twice',
    fix: '`millrace secrets new`: a different secret for each',
  },
  'restore.unfinished': {
    looksAt: 'the mark that a restore sets until it is complete',
    reports: 'fails while the mark is set: requests get 503',
    fix: '`millrace restore FILE --resume` or `--abandon`',
  },
  'rows.stale': {
    looksAt: 'leases, Idempotency-Keys, sessions and log-in attempts that expired more than an hour ago',
    reports: 'warns if there are any',
    fix: "the functions' schedule (`[triggers]` in wrangler.toml), and workers that claim executions",
  },
  'executions.kept': {
    looksAt: 'how many executions have ended, and `EXECUTION_KEEP`',
    reports: 'warns if there are 10,000 or more and they are kept forever',
    fix: '`EXECUTION_KEEP=30d`',
  },
  'registration.open': {
    looksAt: '`REGISTRATION`',
    reports: 'warns if anyone can register',
    fix: '`REGISTRATION=closed`, and `millrace user add`',
  },
  jit: {
    looksAt: 'whether PostgreSQL compiles statements (JIT)',
    reports: 'warns if it does: a statement that looks expensive takes seconds longer',
    fix: '`alter role current_user set jit = off`',
  },
}
