import { existsSync } from 'node:fs'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Directories {
  /** Where the command was called: relative files are relative to it. */
  readonly caller: string
  /** The root of millrace's own workspace. */
  readonly workspace: string
}

const workspaceDirectory = fileURLToPath(new URL('../../..', import.meta.url)).replace(/[/\\]$/, '')

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
  workspace: string = workspaceDirectory,
): Directories {
  const isPlacedByPnpm = isInside(cwd, workspace) && existsSync(join(cwd, 'package.json'))
  const caller = isPlacedByPnpm && initialCwd !== undefined && existsSync(initialCwd) ? resolve(initialCwd) : cwd
  return { caller, workspace }
}
