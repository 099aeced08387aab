import { readMark } from '../archive/mark.ts'
import type { Transport } from '../sql/transport.ts'
import { fail, ok, type Finding } from './finding.ts'

/** `restore.unfinished` */
export async function checkRestore(transport: Transport): Promise<Finding> {
  const id = 'restore.unfinished'
  const mark = await readMark(transport)
  if (mark === undefined) return ok(id, 'No restore is under way.')
  const { digest, progress } = mark
  const place = progress.table === null ? 'before the first row' : `in ${progress.table}, after ${progress.rows} rows`
  const which = digest === '' ? 'an archive that is not known' : `the archive ${digest.slice(0, 12)}…`
  return fail(
    id,
    `A restore of ${which} is under way or broke off, ${place}: every request is answered 503 until it ends.`,
    'Wait for it, or go on with `millrace restore FILE --resume`, or empty the tables with `millrace restore FILE --abandon`.',
  )
}
