import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database } from '@millrace/db/store/database'
import { allNotChecked, fail, notChecked, ok, type Finding } from '@millrace/db/checklist/finding'
import type { Target } from '@millrace/db/url'
import { openTarget } from '../connection.ts'
import type { Context } from '../context.ts'
import { isMissingD1, type D1Target } from '../d1/state.ts'
import { Failure } from '../failure.ts'

/** A database that can be asked, or what stands in the way of asking it. */
export type Opened =
  | { readonly isOpen: true; readonly database: Database }
  | { readonly isOpen: false; readonly findings: readonly Finding[] }

/** Opens the database so that nothing changes it: a SQLite file that is not there stays so. */
export async function openUnchanged(context: Context, target: Target): Promise<Opened> {
  if (target.via === 'd1') return openD1Unchanged(context, target)
  const obstacle = target.via === 'file' ? fileObstacle(target.path) : undefined
  if (obstacle !== undefined) return { isOpen: false, findings: obstacle }
  try {
    return { isOpen: true, database: await openTarget(context, target, { onlyReads: true }) }
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    return { isOpen: false, findings: startObstacle(target, thrown) }
  }
}

/** The local one is made by whoever opens it, so one that is not there is not opened. */
async function openD1Unchanged(context: Context, target: D1Target): Promise<Opened> {
  if (isMissingD1(context, target)) {
    const fix = 'Run `millrace migrate` or `millrace dev` to create it, or add ?id=DATABASE_ID for a deployed one.'
    const findings = [
      ok('reachable', 'wrangler keeps D1 in files of this machine.'),
      notChecked('auth', 'the local database is not there.', fix),
      fail('database.exists', 'The local D1 database does not exist.', fix),
    ]
    return { isOpen: false, findings }
  }
  return { isOpen: true, database: await openTarget(context, target, {}) }
}

const correctPath = 'Correct the path in --database or DATABASE_URL.'

/** What of `reachable`, `auth` and `database.exists` a file does not pass. */
function fileObstacle(path: string): readonly Finding[] | undefined {
  if (!existsSync(dirname(path))) {
    const words = `there is no directory ${dirname(path)}.`
    return [
      fail('reachable', `The SQLite file can't be there: ${words}`, correctPath),
      ...allNotChecked(['auth', 'database.exists'], words, correctPath),
    ]
  }
  const reachable = ok('reachable', 'The directory of the SQLite file exists.')
  if (!existsSync(path)) {
    const fix = `Run \`millrace migrate\` to make it. Or: ${correctPath}`
    return [
      reachable,
      notChecked('auth', 'the file is not there.', fix),
      fail('database.exists', 'The SQLite file does not exist.', fix),
    ]
  }
  if (statSync(path).isDirectory()) {
    return [
      reachable,
      ok('auth', 'The user can read it.'),
      fail('database.exists', 'The path of the SQLite file is a directory.', correctPath),
    ]
  }
  if (mayReadAndWrite(path)) return undefined
  const fix = 'Give the user that runs millrace the rights to read and write the file and its directory.'
  return [
    reachable,
    fail('auth', 'The SQLite file cannot be read and written.', fix),
    ok('database.exists', 'The file exists.'),
  ]
}

function mayReadAndWrite(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    // Whatever the reason, it may not.
    return false
  }
}

/** The gateway refuses a file that is no database, and a certificate file that can't be read. */
function startObstacle(target: Target, { words: { why, fix } }: Failure): readonly Finding[] {
  if (target.via !== 'file') {
    return [fail('tls', why, fix), ...allNotChecked(['reachable', 'auth', 'database.exists'], why, fix)]
  }
  return [
    ok('reachable', 'The directory of the SQLite file exists.'),
    ok('auth', 'The file can be read and written.'),
    fail('database.exists', `The file is not a SQLite database: ${why}`, fix),
  ]
}
