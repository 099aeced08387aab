import { randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'

/**
 * Where a file is written before it is whole and gets its name: in the same directory. Short, since a name may be as long
 * as the file system allows; another each time, since in a container each run has the same process id, and one that was
 * killed has left its own behind.
 */
export function partPath(path: string): string {
  return join(dirname(path), `.millrace-${randomUUID()}.part`)
}
