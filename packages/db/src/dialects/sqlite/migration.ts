import { migrationLock, type MigrationDialect } from '../../sql/migration.ts'
import { backupMark, restoreMark } from '../../schema/schema.ts'
import { plain } from '../plain.ts'

/** Milliseconds since the epoch by the server's clock. `unixepoch('subsec')` is missing from older libSQL servers. */
const now = "cast((julianday('now') - 2440587.5) * 86400000 as integer)"

const danglingWords = 'millrace: dangling references: '

export const sqliteMigration: MigrationDialect = {
  bookkeepingTables: [
    plain(
      'create table if not exists `marks` (`name` text primary key not null, `owner` text, `value` text, `lease_until` integer)',
    ),
    plain(
      'create table if not exists `migrations` (`name` text primary key not null, `hash` text not null, `statements_done` integer not null, `left_out` text, `applied_at` integer)',
    ),
  ],
  bookkeepingRows: plain('insert or ignore into `marks` (`name`) values (?), (?), (?)', [
    restoreMark,
    migrationLock,
    backupMark,
  ]),
  isBookkeepingRace: () => false,
  isDdlTransactional: true,
  rebuilding: {
    // drizzle-kit writes the PRAGMA, which does nothing inside a transaction, around each table that it makes anew.
    isRebuild: (statement) => /^\s*(?:drop\s+table|pragma\s+foreign_keys)\b/im.test(statement),
    // Without a row the path is null, and so is the result; a path that is none fails, and the message holds it.
    check: plain(
      `select json_extract('[]', '${danglingWords}' || group_concat(\`amount\` || ' of ' || \`child\` || ' to ' || \`parent\`, ', ')) from (select \`table\` as \`child\`, \`parent\`, count(*) as \`amount\` from pragma_foreign_key_check group by 1, 2)`,
    ),
    danglingIn: ({ message }) => message.split(danglingWords)[1]?.replace(/'.*$/s, ''),
  },
  takeLock: (name, owner, leaseMilliseconds) =>
    plain(
      `update \`marks\` set \`owner\` = ?, \`lease_until\` = ${now} + ? where \`name\` = ? and (\`owner\` is null or \`owner\` = ? or \`lease_until\` < ${now})`,
      [owner, BigInt(leaseMilliseconds), name, owner],
    ),
  releaseLock: (name, owner) =>
    plain('update `marks` set `owner` = null, `lease_until` = null where `name` = ? and `owner` = ?', [name, owner]),
  tableNames: plain("select name from sqlite_master where type = 'table'"),
  whatItLeaves: () => undefined,
  isForeignKeyRefusal: () => false,
  isDirectDdlRefusal: () => false,
}
