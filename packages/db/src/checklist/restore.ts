import { markWords, readMark } from '../archive/mark.ts'
import type { Transport } from '../sql/transport.ts'
import { fail, ok, type Finding } from './finding.ts'

/** `restore.unfinished` */
export async function checkRestore(transport: Transport): Promise<Finding> {
  const id = 'restore.unfinished'
  const mark = await readMark(transport)
  if (mark === undefined) return ok(id, 'No restore is under way.')
  const { digest, progress } = mark
  const place = progress.table === null ? 'before the first row' : `in ${progress.table}, after ${progress.rows} rows`
  const { work, resume } = markWords(mark)
  const source = work === 'copy' ? 'from another database' : archiveWords(digest)
  return fail(
    id,
    `A ${work} ${source} is running or was interrupted, ${place}: every request gets 503 until it ends.`,
    `Wait until it ends, continue with ${resume}, or empty the tables with \`millrace restore --abandon\`.`,
  )
}

function archiveWords(digest: string): string {
  return digest === '' ? 'of an unknown archive' : `of the archive ${digest.slice(0, 12)}…`
}
