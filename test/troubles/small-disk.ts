import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'

/** Only root may mount a disk, and not in every container. */
export function canMountDisks(): boolean {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return false
  const folder = mkdtempSync(join(inject('directory'), 'probe-'))
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder]).status === 0
  if (isMounted) execFileSync('umount', [folder])
  rmSync(folder, { recursive: true })
  return isMounted
}

/** While a disk of so many mebibytes is mounted on a folder, which is made where it is missing, for a user and group. */
export async function onSmallDisk<Result>(
  folder: string,
  mebibytes: number,
  userId: number,
  work: () => Promise<Result>,
): Promise<Result> {
  mkdirSync(folder, { recursive: true })
  execFileSync('mount', [
    '-t',
    'tmpfs',
    '-o',
    `size=${mebibytes}m,mode=700,uid=${userId},gid=${userId}`,
    'none',
    folder,
  ])
  try {
    return await work()
  } finally {
    // Lazily: a server may still have files open there.
    execFileSync('umount', ['-l', folder])
  }
}
