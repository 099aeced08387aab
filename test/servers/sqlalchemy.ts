import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { findUnpacked, libraryFolders } from './debian-packages.ts'

/** A Python that has SQLAlchemy and its drivers for PostgreSQL and MySQL. */
export interface SqlAlchemy {
  readonly command: string
  /** Beside the test's own environment. */
  readonly environment: Readonly<Record<string, string>>
}

export interface MissingSqlAlchemy {
  readonly missing: string
}

const packages = ['python3-sqlalchemy', 'python3-psycopg2', 'python3-pymysql']
const imports = 'import sqlalchemy, psycopg2, pymysql'
const advice = 'Debian, Ubuntu: `apt-get install python3-sqlalchemy python3-psycopg2 python3-pymysql`.'

/** The machine's, else Debian's packages unpacked beside the repository for Debian's own Python. */
export function findSqlAlchemy(): SqlAlchemy | MissingSqlAlchemy {
  const folders = ['/usr/bin', ...(process.env['PATH'] ?? '').split(delimiter)]
  const pythons = folders.map((folder) => join(folder, 'python3')).filter((path) => existsSync(path))
  const installed = pythons.find((command) => reasonAgainst({ command, environment: {} }) === undefined)
  if (installed !== undefined) return { command: installed, environment: {} }
  const found = findUnpacked({ name: 'sqlalchemy', packages, what: 'Python with SQLAlchemy', advice })
  if ('missing' in found) return found
  const { root } = found
  const unpacked = pythonIn(root)
  const reason = reasonAgainst(unpacked)
  return reason === undefined ? unpacked : { missing: `Debian's SQLAlchemy does not run here: ${reason}. ${advice}` }
}

/** With the packages came a Python where the system has none. */
function pythonIn(root: string): SqlAlchemy {
  const own = ['/usr/bin/python3', join(root, 'usr/bin/python3')].find((path) => existsSync(path))
  return {
    command: own ?? '/usr/bin/python3',
    environment: {
      PYTHONPATH: join(root, 'usr/lib/python3/dist-packages'),
      LD_LIBRARY_PATH: libraryFolders(root),
    },
  }
}

function reasonAgainst({ command, environment }: SqlAlchemy): string | undefined {
  const tried = spawnSync(command, ['-c', imports], { encoding: 'utf8', env: { ...process.env, ...environment } })
  if (tried.status === 0) return undefined
  return tried.error?.message ?? tried.stderr.trim().split('\n').at(-1) ?? 'it fails'
}
