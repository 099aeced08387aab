import { execFileSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import type { MissingServer } from './address.ts'
import {
  cacheDirectory,
  findUnpacked,
  hasDebianPackages,
  libraryFolders,
  unpackArchives,
  unpackPackages,
  type Apt,
} from './debian-packages.ts'
import { otherServerNames, type OtherServerName } from './protocol.ts'

export interface MariadbProgram {
  readonly kind: 'mariadb' | 'mysql'
  readonly command: string
  /** Stand before the server's own arguments. */
  readonly args: readonly string[]
  /** The folder of its messages, character sets and SQL scripts. */
  readonly share: string
  /** Folders of shared libraries, for LD_LIBRARY_PATH; empty when the system's own do. */
  readonly libraries: string
}

const commandFolders = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin', '/usr/local/bin']

const advice =
  'Install MariaDB (Debian, Ubuntu: `apt-get install mariadb-server-core`; macOS: `brew install mariadb`), ' +
  'or set TEST_MYSQL_URL to a server of yours.'

/** Servers of other releases of Debian. They bring the C library that they need. */
const otherServers = {
  'mariadb-11': {
    kind: 'mariadb',
    suite: 'trixie',
    package: 'mariadb-server-core',
    program: 'mariadbd',
    share: 'mariadb',
  },
  'mysql-9': { kind: 'mysql', suite: 'sid', package: 'mysql-server-core', program: 'mysqld', share: 'mysql' },
} as const satisfies Readonly<Record<OtherServerName, object>>

const loaders = ['usr/lib64/ld-linux-x86-64.so.2', 'usr/lib/ld-linux-aarch64.so.1']

/** @param name by default what TEST_MYSQL_SERVER names, or the machine's MariaDB, else that of its own release of Debian */
export function findMysqlServer(name = process.env['TEST_MYSQL_SERVER'] ?? ''): MariadbProgram | MissingServer {
  if (name === '') return findMariadb()
  if (isOther(name)) return findOther(name)
  throw new Error(`TEST_MYSQL_SERVER is ${name}; it may be ${otherServerNames.join(' or ')}.`)
}

function isOther(name: string): name is OtherServerName {
  return name in otherServers
}

function findOther(name: OtherServerName): MariadbProgram | MissingServer {
  const { kind, suite, package: wanted, program, share } = otherServers[name]
  const found = findUnpacked({ name, packages: [wanted], suite, what: name, advice })
  if ('missing' in found) return found
  const { root } = found
  const loader = loaders.map((path) => join(root, path)).find((path) => existsSync(path))
  if (loader === undefined) return { missing: `No ${name} for ${process.arch}.` }
  return {
    kind,
    command: loader,
    args: ['--library-path', libraryFolders(root), join(root, 'usr/sbin', program)],
    share: join(root, 'usr/share', share),
    libraries: '',
  }
}

/** The machine's MariaDB, else Debian's packages unpacked beside the repository, which needs no root. */
function findMariadb(): MariadbProgram | MissingServer {
  const installed = findInstalled()
  if (installed !== undefined) return installed
  const unpacked = join(cacheDirectory, `mariadb-${process.arch}`)
  if (!existsSync(unpacked)) {
    if (!hasDebianPackages()) return { missing: `No mariadbd here. ${advice}` }
    try {
      unpackPackages(unpacked, fetchServer)
    } catch (error) {
      return { missing: `No mariadbd here, and its packages could not be had (${String(error)}). ${advice}` }
    }
  }
  return programIn(unpacked)
}

function findInstalled(): MariadbProgram | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...commandFolders]
  for (const command of folders.map((folder) => join(folder, 'mariadbd')).filter((path) => existsSync(path))) {
    const real = realpathSync(command)
    for (const name of ['share/mysql', 'share/mariadb', 'share']) {
      const share = join(dirname(real), '..', name)
      if (existsSync(join(share, 'mariadb_system_tables.sql')) || existsSync(join(share, 'mysql_system_tables.sql'))) {
        return { kind: 'mariadb', command: real, args: [], share, libraries: '' }
      }
    }
  }
  return undefined
}

function programIn(root: string): MariadbProgram {
  return {
    kind: 'mariadb',
    command: join(root, 'usr/sbin/mariadbd'),
    args: [],
    share: join(root, 'usr/share/mysql'),
    libraries: libraryFolders(root),
  }
}

/** Packages that hold a library which the server needs and a minimal system lacks; names differ between releases. */
const libraryPackages: Readonly<Record<string, readonly string[]>> = {
  'libaio.so.1': ['libaio1', 'libaio1t64'],
  'libaio.so.1t64': ['libaio1t64'],
  'libcap.so.2': ['libcap2'],
  'libcrypt.so.1': ['libcrypt1'],
  'libcrypto.so.3': ['libssl3', 'libssl3t64'],
  'libfmt.so.9': ['libfmt9'],
  'libfmt.so.10': ['libfmt10'],
  'libgcrypt.so.20': ['libgcrypt20'],
  'libgpg-error.so.0': ['libgpg-error0'],
  'liblz4.so.1': ['liblz4-1'],
  'libnuma.so.1': ['libnuma1'],
  'libpcre2-8.so.0': ['libpcre2-8-0'],
  'libsnappy.so.1': ['libsnappy1v5'],
  'libssl.so.3': ['libssl3', 'libssl3t64'],
  'libsystemd.so.0': ['libsystemd0'],
  'liburing.so.2': ['liburing2'],
  'libzstd.so.1': ['libzstd1'],
}

function fetchServer(apt: Apt, work: string, root: string): void {
  apt('download', 'mariadb-server-core')
  unpackArchives(work, root)
  completeLibraries(apt, work, root)
}

/** A fetched library may need another: asks the loader until it misses none. */
function completeLibraries(apt: Apt, work: string, root: string): void {
  const fetched = new Set<string>()
  for (let missing = missingLibraries(root); missing.length > 0; missing = missingLibraries(root)) {
    for (const library of missing) {
      if (fetched.has(library)) throw new Error(`${library} is missing still, though its package is unpacked`)
      fetched.add(library)
      downloadFirst(apt, library)
    }
    unpackArchives(work, root)
  }
}

function missingLibraries(root: string): readonly string[] {
  const { command, libraries } = programIn(root)
  const listed = execFileSync('ldd', [command], {
    encoding: 'utf8',
    env: { ...process.env, LD_LIBRARY_PATH: libraries },
  })
  return [...listed.matchAll(/(\S+) => not found/g)].flatMap(([, name]) => (name === undefined ? [] : [name]))
}

function downloadFirst(apt: Apt, library: string): void {
  const candidates = libraryPackages[library] ?? []
  for (const [index, name] of candidates.entries()) {
    try {
      apt('download', name)
      return
    } catch (error) {
      if (index === candidates.length - 1) throw error
    }
  }
  throw new Error(`no package is known that holds ${library}`)
}
