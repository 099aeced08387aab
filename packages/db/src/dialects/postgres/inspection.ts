import type { InspectionDialect } from '../../checklist/inspection.ts'
import { plain } from '../plain.ts'

export const postgresInspection: InspectionDialect = {
  server: plain(
    `select 'PostgreSQL ' || current_setting('server_version'), cast(extract(epoch from clock_timestamp()) * 1000 as bigint), current_setting('server_encoding'),
      case when pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' then 1 else 0 end,
      current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int - coalesce(current_setting('reserved_connections', true)::int, 0),
      (select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user),
      (select nullif(datconnlimit, -1) from pg_database where datname = current_database())`,
  ),
  limitNames: [
    'max_connections without the reserved ones',
    "the role's connection limit",
    "the database's connection limit",
  ],
  encoding: 'UTF8',
  encodingFix:
    "A database keeps its encoding: `create database NAME encoding 'UTF8' template template0`, and move the rows with `millrace copy`.",
  encryption: plain('select version from pg_stat_ssl where pid = pg_backend_pid() and ssl'),
  json: plain(
    `select case when ('{"a": [1.0]}'::json)::text = '{"a": [1.0]}' and (select json_agg(json_build_array(1))::text) = '[[1]]' then 1 else 0 end`,
  ),
  jit: plain(`select case when current_setting('jit') = 'on' and pg_jit_available() then 1 else 0 end`),
  strangeCollations: undefined,
  // `explain` judges the rights and runs nothing.
  rights: [
    plain('explain select * from "users" where 1 = 0'),
    plain('explain insert into "backups" select * from "backups" where 1 = 0'),
    plain('explain update "users" set "email" = "email" where 1 = 0'),
    plain('explain delete from "users" where 1 = 0'),
  ],
}
