import { existsSync, mkdtempSync, readFileSync, statfsSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'

const memoryFolder = '/dev/shm'
/** A run's databases take less than one GiB at a time; a container's own /dev/shm may have 64 MiB. */
const neededBytes = 3 * 2 ** 30

/**
 * Makes a folder for a run's databases: in memory where that has room, else the one given. On disk a commit waits some
 * milliseconds, thousands of times a run, for what only a loss of power could tell from memory.
 */
export function makeDataDirectory(otherwise: string): string {
  return hasRoom() ? mkdtempSync(join(memoryFolder, 'millrace-test-')) : otherwise
}

function hasRoom(): boolean {
  if (!existsSync(memoryFolder) || totalmem() < 2 * neededBytes || forbidsPrograms()) return false
  const { bavail, bsize } = statfsSync(memoryFolder)
  return bavail * bsize >= neededBytes
}

/** As root, PostgreSQL's programs may have to be copied to where another user reaches them. */
function forbidsPrograms(): boolean {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
  return mounts.some((mount) => {
    const [, folder, , options = ''] = mount.split(' ')
    return folder === memoryFolder && options.split(',').includes('noexec')
  })
}
