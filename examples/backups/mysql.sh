#!/bin/sh
# mysql.sh DATABASE DIRECTORY KEEP: one snapshot of the database, as SQL.
set -eu
umask 077
. "$(dirname "$0")/keep.sh"

dump=$(command -v mariadb-dump || command -v mysqldump)
file=$(dated "$2" .sql.gz)
"$dump" --defaults-extra-file="${MYSQL_DEFAULTS:-$HOME/.my.cnf}" --single-transaction --quick --hex-blob \
  --default-character-set=utf8mb4 "$1" > "$file.sql"
tail -n 1 "$file.sql" | grep -q '^-- Dump completed'
gzip < "$file.sql" > "$file.part"
rm "$file.sql"
mv "$file.part" "$file"
keep "$2" .sql.gz "$3"
echo "$file"
