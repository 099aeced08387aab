#!/bin/sh
# A first deployment to staging, from a clone to an answering API; and every later one. Give the database, and where it
# has no HTTP endpoint of its own the gateway before it (docs/deploy.md). Secrets are made once and kept in files that
# only you read: copy that folder into your secrets manager.
#
#   DATABASE_URL='postgresql://…' DATABASE_GATEWAY_URL='https://…' DATABASE_GATEWAY_TOKEN='…' sh deploy/staging.sh
#   sh deploy/staging.sh --dry-run      checks and bundles, changes nothing (but the secrets it makes)
set -eu
cd "$(dirname "$0")/.."
: "${DATABASE_URL:?Set DATABASE_URL to the database of staging.}"
secrets=${MILLRACE_SECRETS:-.millrace/staging}

[ -x node_modules/.bin/millrace ] || npx -y pnpm@12.21.0 install --frozen-lockfile
millrace=node_modules/.bin/millrace
PATH=$PWD/node_modules/.bin:$PATH

if [ ! -f "$secrets/AUTH_KEYS" ]; then
  umask 077
  mkdir -p "$secrets"
  # Written by the program that reads the document, so that no secret stands in an argument.
  "$millrace" secrets new --json | node -e '
    const { writeFileSync } = require("node:fs")
    let text = ""
    process.stdin.on("data", (part) => (text += part)).on("end", () => {
      const { age, ...secrets } = JSON.parse(text)
      const files = { ...secrets, BACKUP_RECIPIENTS: age.recipient, "age-identity": age.identity }
      for (const [name, value] of Object.entries(files)) writeFileSync(`${process.argv[1]}/${name}`, `${value}\n`, { mode: 0o600 })
    })' "$secrets"
  echo "New secrets are in $secrets. Keep age-identity elsewhere: without it no backup can be opened." >&2
fi

for name in AUTH_KEYS SETTINGS_KEYS METRICS_TOKEN BACKUP_RECIPIENTS; do
  eval "given=\${$name:-}"
  [ -n "$given" ] || export "${name}_FILE=$PWD/$secrets/$name"
done

exec "$millrace" deploy --env staging "$@"
