import { existsSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { membersIn } from './json.ts'

export interface Directories {
  /** Where the command was called: relative files are relative to it. */
  readonly caller: string
  /**
   * Where millrace's own files are, under the same names in both: the root of its workspace, or of the installed package.
   */
  readonly workspace: string
}

/** The first directory above this file whose package is named millrace. */
function findHome(): string {
  for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
    const manifest = join(directory, 'package.json')
    if (existsSync(manifest) && membersIn(readFileSync(manifest, 'utf8'))?.['name'] === 'millrace') return directory
    if (directory === dirname(directory)) throw new Error('no package.json above this file is named millrace')
  }
}

function isInside(directory: string, parent: string): boolean {
  const path = relative(parent, directory)
  return path === '' || (!path.startsWith('..') && !isAbsolute(path))
}

/**
 * pnpm starts a script or bin in a package's directory and keeps the caller's in INIT_CWD. The variable is inherited by
 * everything below, so it counts only where pnpm puts its children: in a package directory of this workspace. Anywhere
 * else the process was started from where it stands.
 */
export function findDirectories(
  cwd: string,
  initialCwd: string | undefined,
  workspace: string = findHome(),
): Directories {
  const isPlacedByPnpm = isInside(cwd, workspace) && existsSync(join(cwd, 'package.json'))
  const caller = isPlacedByPnpm && initialCwd !== undefined && existsSync(initialCwd) ? resolve(initialCwd) : cwd
  return { caller, workspace }
}
