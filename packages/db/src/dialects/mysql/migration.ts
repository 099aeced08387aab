import { migrationLock, type MigrationDialect } from '../../migration.ts'
import { restoreMark } from '../../schema.ts'
import type { Statement } from '../../statement.ts'
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
  bookkeepingRows: plain('insert ignore into `marks` (`name`) values (?), (?)', [restoreMark, migrationLock]),
  isBookkeepingRace: () => false,
  isDdlTransactional: false,
  takeLock: (owner, leaseMilliseconds) =>
    plain(
      `update \`marks\` set \`lease_until\` = ${now} + interval ? microsecond, \`owner\` = ? where \`name\` = ? and (\`owner\` is null or \`owner\` = ? or \`lease_until\` < ${now})`,
      [leaseMilliseconds * 1000, owner, migrationLock, owner],
    ),
  releaseLock: (owner) =>
    plain('update `marks` set `owner` = null, `lease_until` = null where `name` = ? and `owner` = ?', [
      migrationLock,
      owner,
    ]),
  tableNames: plain('select table_name from information_schema.tables where table_schema = database()'),
  whatItMakes,
  // Vitess, where a keyspace doesn't take them: `VT10001: foreign key constraints are not allowed`.
  isForeignKeyRefusal: ({ message }) => /VT10001|foreign key constraints are not allowed/i.test(message),
  // PlanetScale under safe migrations: `direct DDL is disabled`.
  isDirectDdlRefusal: ({ message }) => /direct DDL is (?:disabled|not allowed)/i.test(message),
}

/** The three kinds of statement that drizzle-kit writes to make something. */
function whatItMakes(statement: string): Statement | undefined {
  const table = /^create table `([^`]+)`/i.exec(statement)
  if (table !== null) {
    return plain('select 1 from information_schema.tables where table_schema = database() and table_name = ?', [
      table[1],
    ])
  }
  const constraint = /^alter table `([^`]+)` add constraint `([^`]+)`/i.exec(statement)
  if (constraint !== null) {
    return plain(
      'select 1 from information_schema.table_constraints where table_schema = database() and table_name = ? and constraint_name = ?',
      [constraint[1], constraint[2]],
    )
  }
  const index = /^create (?:unique )?index `([^`]+)` on `([^`]+)`/i.exec(statement)
  if (index !== null) {
    return plain(
      'select 1 from information_schema.statistics where table_schema = database() and table_name = ? and index_name = ?',
      [index[2], index[1]],
    )
  }
  return undefined
}
