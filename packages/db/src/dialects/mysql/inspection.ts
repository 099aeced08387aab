import type { InspectionDialect } from '../../checklist/inspection.ts'
import { plain } from '../plain.ts'

export const mysqlInspection: InspectionDialect = {
  server: plain(
    `select concat(if(version() like '%MariaDB%', 'MariaDB ', 'MySQL '), substring_index(version(), '-', 1)), cast(unix_timestamp(current_timestamp(3)) * 1000 as unsigned), @@character_set_client, if(@@read_only, 1, 0), @@max_connections, nullif(@@max_user_connections, 0)`,
  ),
  limitNames: ['max_connections', "the user's max_user_connections"],
  encoding: 'utf8mb4',
  encodingFix: 'Leave `charset` in DATABASE_URL away, or set it to utf8mb4.',
  encryption: plain(`show session status like 'Ssl_version'`),
  json: plain(
    `select json_valid('{"a":[1.0]}') = 1 and json_valid('{') = 0 and (select cast(json_arrayagg(json_array(one)) as char) from (select 1 as one) anchor) = '[[1]]'`,
  ),
  strangeCollations: undefined,
  // `explain` judges the rights and runs nothing.
  rights: [
    plain('explain select * from `users` where 1 = 0'),
    plain('explain insert into `backups` select * from `backups` where 1 = 0'),
    plain('explain update `users` set `email` = `email` where 1 = 0'),
    plain('explain delete from `users` where 1 = 0'),
  ],
}
