#!/bin/sh
# postgres.sh URL DIRECTORY KEEP: one snapshot of the database, compressed, for pg_restore.
set -eu
umask 077
. "$(dirname "$0")/keep.sh"

file=$(dated "$2" .dump)
pg_dump --format=custom --file="$file.part" "$1"
pg_restore --list "$file.part" > /dev/null
mv "$file.part" "$file"
keep "$2" .dump "$3"
echo "$file"
