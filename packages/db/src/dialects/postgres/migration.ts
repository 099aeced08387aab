import { migrationLock, type MigrationDialect } from '../../sql/migration.ts'
import { backupMark, restoreMark } from '../../schema/schema.ts'
import { plain } from '../plain.ts'

export const postgresMigration: MigrationDialect = {
  bookkeepingTables: [
    plain(
      'create table if not exists "marks" ("name" text collate "C" primary key not null, "owner" text collate "C", "value" text collate "C", "lease_until" timestamp(3) with time zone)',
    ),
    plain(
      'create table if not exists "migrations" ("name" text collate "C" primary key not null, "hash" text collate "C" not null, "statements_done" bigint not null, "left_out" text collate "C", "applied_at" timestamp(3) with time zone)',
    ),
  ],
  bookkeepingRows: plain('insert into "marks" ("name") values ($1), ($2), ($3) on conflict do nothing', [
    restoreMark,
    migrationLock,
    backupMark,
  ]),
  // `if not exists` is no lock: of two at once one can fail on the catalogue's own unique index, type or relation.
  isBookkeepingRace: ({ message }) => /SQLSTATE (?:23505|42710|42P07)/.test(message),
  isDdlTransactional: true,
  rebuilding: undefined,
  takeLock: (name, owner, leaseMilliseconds) =>
    plain(
      `update "marks" set "owner" = $1, "lease_until" = clock_timestamp() + cast($2 as bigint) * interval '1 millisecond' where "name" = $3 and ("owner" is null or "owner" = $1 or "lease_until" < clock_timestamp())`,
      [owner, String(leaseMilliseconds), name],
    ),
  releaseLock: (name, owner) =>
    plain('update "marks" set "owner" = null, "lease_until" = null where "name" = $1 and "owner" = $2', [name, owner]),
  tableNames: plain('select tablename from pg_catalog.pg_tables where schemaname = current_schema()'),
  whatItLeaves: () => undefined,
  isForeignKeyRefusal: () => false,
  isDirectDdlRefusal: () => false,
}
