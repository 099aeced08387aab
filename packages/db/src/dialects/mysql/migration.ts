import { migrationLock, type MigrationDialect } from '../../sql/migration.ts'
import { backupMark, restoreMark } from '../../schema/schema.ts'
import type { Statement } from '../../sql/statement.ts'
import { plain } from '../plain.ts'

const byBytes = 'character set utf8mb4 collate utf8mb4_bin'
const now = 'utc_timestamp(3)'

export const mysqlMigration: MigrationDialect = {
  bookkeepingTables: [
    plain(
      `create table if not exists \`marks\` (\`name\` varchar(64) ${byBytes} not null primary key, \`owner\` varchar(64) ${byBytes}, \`value\` longtext ${byBytes}, \`lease_until\` datetime(3))`,
    ),
    plain(
      `create table if not exists \`migrations\` (\`name\` varchar(64) ${byBytes} not null primary key, \`hash\` varchar(64) ${byBytes} not null, \`statements_done\` bigint not null, \`left_out\` longtext ${byBytes}, \`applied_at\` datetime(3))`,
    ),
  ],
  bookkeepingRows: plain('insert ignore into `marks` (`name`) values (?), (?), (?)', [
    restoreMark,
    migrationLock,
    backupMark,
  ]),
  isBookkeepingRace: () => false,
  isDdlTransactional: false,
  rebuilding: undefined,
  takeLock: (name, owner, leaseMilliseconds) =>
    plain(
      `update \`marks\` set \`lease_until\` = ${now} + interval ? microsecond, \`owner\` = ? where \`name\` = ? and (\`owner\` is null or \`owner\` = ? or \`lease_until\` < ${now})`,
      [leaseMilliseconds * 1000, owner, name, owner],
    ),
  releaseLock: (name, owner) =>
    plain('update `marks` set `owner` = null, `lease_until` = null where `name` = ? and `owner` = ?', [name, owner]),
  tableNames: plain('select table_name from information_schema.tables where table_schema = database()'),
  whatItLeaves,
  // Vitess, where a keyspace doesn't take them: `VT10001: foreign key constraints are not allowed`.
  isForeignKeyRefusal: ({ message }) => /VT10001|foreign key constraints are not allowed/i.test(message),
  // PlanetScale under safe migrations: `direct DDL is disabled`.
  isDirectDdlRefusal: ({ message }) => /direct DDL is (?:disabled|not allowed)/i.test(message),
}

const table = 'select 1 from information_schema.tables where table_schema = database() and table_name = ?'
const column =
  'select 1 from information_schema.columns where table_schema = database() and table_name = ? and column_name = ?'
const constraint =
  'select 1 from information_schema.table_constraints where table_schema = database() and table_name = ? and constraint_name = ?'
const index =
  'select 1 from information_schema.statistics where table_schema = database() and table_name = ? and index_name = ?'

/** The catalogue's answer once there is no such thing. */
const gone = (question: string) => `select 1 from (select 1 as one) as anchor where not exists (${question})`

/** The statements that drizzle-kit writes, each with what names the thing: of two names the table comes first. */
const leavings: readonly { readonly pattern: RegExp; readonly question: string; readonly isIndexFirst?: boolean }[] = [
  { pattern: /^create table `([^`]+)`/i, question: table },
  { pattern: /^drop table `([^`]+)`/i, question: gone(table) },
  { pattern: /^alter table `([^`]+)` add constraint `([^`]+)`/i, question: constraint },
  { pattern: /^alter table `([^`]+)` drop (?:foreign key|constraint) `([^`]+)`/i, question: gone(constraint) },
  { pattern: /^alter table `([^`]+)` add (?:column )?`([^`]+)`/i, question: column },
  { pattern: /^alter table `([^`]+)` drop column `([^`]+)`/i, question: gone(column) },
  { pattern: /^create (?:unique )?index `([^`]+)` on `([^`]+)`/i, question: index, isIndexFirst: true },
  { pattern: /^drop index `([^`]+)` on `([^`]+)`/i, question: gone(index), isIndexFirst: true },
]

function whatItLeaves(statement: string): Statement | undefined {
  for (const { pattern, question, isIndexFirst } of leavings) {
    const found = pattern.exec(statement)
    if (found === null) continue
    const names = found.slice(1)
    return plain(question, isIndexFirst === true ? names.toReversed() : names)
  }
  return undefined
}
