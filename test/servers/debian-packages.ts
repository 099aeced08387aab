import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { MissingServer } from './address.ts'

/** Programs that the tests need and a machine may lack are unpacked here, once for a checkout. */
export const cacheDirectory = fileURLToPath(new URL('../../.cache/', import.meta.url))

export const has = (command: string): boolean => spawnSync(command, ['--version']).status === 0

/** Whether Debian's packages can be had here. */
export const hasDebianPackages = (): boolean => has('apt-get') && has('dpkg')

export type Apt = (...args: readonly string[]) => void

/**
 * Fills a folder with unpacked packages, which needs no root. It is made in one rename, so that two runs at once, or one
 * that is killed, leave no half of it.
 * @param fetch Downloads packages into the work folder, where apt runs, and unpacks them to `root`.
 * @param suite Another release than the machine's: apt then takes nothing to be installed, so that what it downloads has
 *   all libraries of that release, and its C library.
 */
export function unpackPackages(
  target: string,
  fetch: (apt: Apt, work: string, root: string) => void,
  suite?: string,
): void {
  mkdirSync(cacheDirectory, { recursive: true })
  const work = mkdtempSync(join(cacheDirectory, 'unpacking-'))
  try {
    const root = join(work, 'root')
    fetch(privateApt(work, packageLists(work, suite), suite), work, root)
    if (!existsSync(target)) renameSync(root, target)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Where apt keeps what `install --download-only` fetched, in its work folder. */
export const downloads = 'cache/archives'

interface UnpackedPackages {
  /** Of the folder; the architecture is added. */
  readonly name: string
  readonly packages: readonly string[]
  /** As of {@link unpackPackages}. */
  readonly suite?: string
  /** Whether the packages themselves come where the system has them too. */
  readonly isReinstalled?: boolean
  /** Whether they come without what they depend on, as a program that is linked statically needs nothing of it. */
  readonly areAlone?: boolean
  /** What is missing where they can't be had, and what helps. */
  readonly what: string
  readonly advice: string
}

/**
 * The folder of packages that are unpacked beside the repository, once, with all that they depend on and the system lacks
 * unless they come alone.
 */
export function findUnpacked(wanted: UnpackedPackages): { readonly root: string } | MissingServer {
  const { name, packages, suite, isReinstalled = false, areAlone = false, what, advice } = wanted
  const root = join(cacheDirectory, `${name}-${process.arch}`)
  if (existsSync(root)) return { root }
  if (!hasDebianPackages()) return { missing: `No ${what} here. ${advice}` }
  const options = ['--yes', '--no-install-recommends', '--download-only', ...(isReinstalled ? ['--reinstall'] : [])]
  try {
    unpackPackages(
      root,
      (apt, work, target) => {
        if (areAlone) apt('download', ...packages)
        else apt('install', ...options, ...packages)
        unpackArchives(areAlone ? work : join(work, downloads), target)
      },
      suite,
    )
    return { root }
  } catch (error) {
    return { missing: `No ${what} here, and its packages could not be had (${String(error)}). ${advice}` }
  }
}

const listsAreNewMilliseconds = 3_600_000

/** The folder of apt's lists: those that another program was found by within the hour, since to fetch them takes seconds. */
function packageLists(work: string, suite?: string): string {
  const shared = join(cacheDirectory, `lists-${suite === undefined ? '' : `${suite}-`}${process.arch}`)
  const changedAt = statSync(shared, { throwIfNoEntry: false })?.mtimeMs
  if (changedAt !== undefined && Date.now() - changedAt < listsAreNewMilliseconds) return shared
  const lists = join(work, 'lists')
  mkdirSync(join(lists, 'partial'), { recursive: true })
  // What it would remember of the lists is of this place.
  privateApt(work, lists, suite)('update', '-o', 'pkgCacheFile::Generate=false')
  rmSync(shared, { recursive: true, force: true })
  try {
    renameSync(lists, shared)
  } catch {
    // Somebody else was faster, and may be at work with them.
    return lists
  }
  return shared
}

/** apt-get with lists and cache of its own: the system's are root's, and may never have been fetched. */
function privateApt(work: string, lists: string, suite?: string): Apt {
  mkdirSync(join(work, downloads, 'partial'), { recursive: true })
  const settings = [
    `Dir::State::lists=${lists}`,
    `Dir::Cache=${join(work, 'cache')}`,
    // Images of Debian have it remember nothing: each call would read all of the lists again, for a second.
    `Dir::Cache::pkgcache=${join(lists, 'pkgcache.bin')}`,
    `Dir::Cache::srcpkgcache=${join(lists, 'srcpkgcache.bin')}`,
    'APT::Sandbox::User=',
    'Acquire::Languages=none',
    // Only root may take the system's lock; nothing of the system is written.
    'Debug::NoLocking=1',
    ...(suite === undefined ? [] : settingsOfSuite(work, suite)),
  ]
  const options = ['-qq', ...settings.flatMap((setting) => ['-o', setting])]
  return (...args) => {
    execFileSync('apt-get', [...options, ...args], { cwd: work, stdio: 'pipe', env: { ...process.env, LC_ALL: 'C' } })
  }
}

/** Another release, from where the machine has its own. */
function settingsOfSuite(work: string, suite: string): readonly string[] {
  const targets = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages'], {
    encoding: 'utf8',
  })
  const archive = targets.split('\n').find((uri) => /\/debian\/?$/.test(uri))
  if (archive === undefined) throw new Error('this system has none of its packages from Debian')
  const sources = join(work, 'sources.list')
  writeFileSync(sources, `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${archive} ${suite} main\n`)
  return [`Dir::Etc::sourcelist=${sources}`, 'Dir::Etc::sourceparts=/dev/null', 'Dir::State::status=/dev/null']
}

/** Unpacks the archives in a folder to `root`, and removes them. */
export function unpackArchives(folder: string, root: string): void {
  for (const archive of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
    execFileSync('dpkg', ['-x', join(folder, archive), root], { stdio: 'pipe' })
    rmSync(join(folder, archive))
  }
}

/** Folders of shared libraries in unpacked packages, for LD_LIBRARY_PATH. */
export function libraryFolders(root: string): string {
  return ['usr/lib', 'lib']
    .map((name) => join(root, name))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => foldersIn(folder).filter((name) => name.endsWith('-linux-gnu')))
    .flatMap((folder) => [folder, ...foldersIn(folder).filter(hasLibraries)])
    .join(':')
}

function foldersIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name))
}

function hasLibraries(folder: string): boolean {
  return readdirSync(folder).some((name) => /^lib.*\.so/.test(name))
}
