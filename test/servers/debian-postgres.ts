import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { MissingServer } from './address.ts'
import { findUnpacked, libraryFolders } from './debian-packages.ts'
import type { PostgresPrograms } from './postgres.ts'

const version = '15'
const packageName = `postgresql-${version}`
const advice = `Debian 12: \`apt-get install ${packageName}\`.`

/**
 * A PostgreSQL server as Debian builds it: with the JIT compiler, which the tests' own is built without, and with its own
 * `pg_dump`, which dumps no newer server. The machine's, of whatever version, else version 15 of Debian's packages, unpacked
 * beside the repository.
 */
export function findDebianPostgres(): PostgresPrograms | MissingServer {
  const installed = newestIn('/')
  return installed === undefined ? unpackedPostgres() : { root: '/', binaries: installed, libraries: '' }
}

/** As {@link findDebianPostgres}, whatever is installed. */
export function unpackedPostgres(): PostgresPrograms | MissingServer {
  const found = findUnpacked({
    name: packageName,
    packages: [packageName],
    isReinstalled: true,
    what: 'PostgreSQL of Debian',
    advice,
  })
  if ('missing' in found) return found
  const { root } = found
  const binaries = newestIn(root)
  if (binaries === undefined) return { missing: `${packageName} has no server. ${advice}` }
  return { root, binaries, libraries: libraryFolders(root) }
}

function newestIn(root: string): string | undefined {
  const folder = join(root, 'usr/lib/postgresql')
  if (!existsSync(folder)) return undefined
  const versions = readdirSync(folder).toSorted((left, right) => Number(right) - Number(left))
  return versions
    .map((name) => join(folder, name, 'bin'))
    .find((bin) => ['initdb', 'postgres', 'pg_dump'].every((name) => existsSync(join(bin, name))))
}
