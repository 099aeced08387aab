#!/bin/sh
# sqlite.sh DATABASE-FILE DIRECTORY KEEP: a consistent copy of the file, while it is in use.
set -eu
umask 077
. "$(dirname "$0")/keep.sh"

file=$(dated "$2" .db)
sqlite3 -cmd '.timeout 10000' "$1" ".backup '$file.part'"
# An older sqlite3 takes a null for JSON that is not valid, and says so of checks: that is no damage.
found=$(sqlite3 "$file.part" 'pragma integrity_check')
if printf '%s\n' "$found" | grep -v -e '^ok$' -e '^CHECK constraint failed'; then exit 1; fi
mv "$file.part" "$file"
keep "$2" .db "$3"
echo "$file"
