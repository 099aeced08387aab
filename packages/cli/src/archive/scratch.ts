import { readdirSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseDatabaseUrl } from '@millrace/db/url'
import type { ChosenDatabase } from '../connection.ts'
import { Failure } from '../failure.ts'
import { printable } from '../printable.ts'
import { isRunning } from '../process-table.ts'
import type { Context } from '../context.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

/** What a scratch database is made for. */
export type ScratchPurpose = 'drill' | 'adoption'

/** How much larger than the archive's text a database of it can be, with its indexes and its journal. */
const growth = 4

/** To be made before a database is opened in it, which is closed first then. @returns its path */
export function makeScratch(context: Context, purpose: ScratchPurpose): string {
  return inTemporaryFolder(() => temporaryDirectory(context, `${purpose}-${process.pid}`))
}

/** In a container with a file system that is read only, there may be no place for temporary files. */
function inTemporaryFolder<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw new Failure('settings_invalid', {
      what: `There is no place for a scratch database: ${printable(tmpdir())} cannot be used.`,
      why: printable(error instanceof Error ? error.message : String(error)),
      fix: 'Set TMPDIR to a directory that exists and can be written to.',
    })
  }
}

/** A SQLite file in a scratch directory, as a database that commands connect to. */
export function scratchDatabase(directory: string): ChosenDatabase {
  const url = `sqlite:////${encodeURI(join(directory, 'scratch.db').replace(/^\//, ''))}`
  const parsed = parseDatabaseUrl(url)
  if (!parsed.ok) throw new TypeError(`${parsed.error.what} ${parsed.error.why}`)
  return { url, givenBy: 'TMPDIR', shownUrl: 'the scratch database', target: parsed.target }
}

/**
 * Removes what commands left behind whose process is gone.
 * @param remove removes a folder with its contents
 */
export function removeLeftovers(remove: (path: string) => void = removeTree): void {
  for (const name of inTemporaryFolder(() => readdirSync(tmpdir()))) {
    const processId = Number(/^millrace-(?:drill|adoption)-(\d+)-/.exec(name)?.[1])
    if (Number.isNaN(processId) || isRunning(processId)) continue
    removeOwn(join(tmpdir(), name), remove)
  }
}

function removeTree(path: string): void {
  rmSync(path, { recursive: true, force: true })
}

/** What another user's command left behind is that user's to remove. */
function removeOwn(path: string, remove: (path: string) => void): void {
  try {
    remove(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'EACCES' && code !== 'EPERM') throw error
  }
}

/** @throws Failure when the place can't hold the database that an archive makes */
export function refuseFullDisk(purpose: ScratchPurpose, directory: string, contentBytes: number): void {
  const { bavail, bsize } = statfsSync(directory)
  const free = bavail * bsize
  const needed = contentBytes * growth
  if (free >= needed) return
  throw new Failure('internal', {
    what: `There is too little space for the ${purpose}'s scratch database.`,
    why: `${directory} has ${free.toLocaleString('en-US')} bytes free, and it may need ${needed.toLocaleString('en-US')}.`,
    fix: 'Free some, or set TMPDIR to a larger place.',
  })
}
