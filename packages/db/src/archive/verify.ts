import { ArchiveError, type ArchiveFault, type ArchiveProblem } from './archive-error.ts'
import type { ArchiveHead } from './lines.ts'
import { openArchive, type ArchiveReading, type ReadOptions, type WholeArchive } from './read.ts'

/** Enough to see what is wrong, and no flood. */
const mostProblems = 20

export type Verdict =
  | { readonly isWhole: true; readonly archive: WholeArchive }
  | {
      readonly isWhole: false
      readonly fault: ArchiveFault
      readonly problems: readonly ArchiveProblem[]
      /** What the archive said of itself, where that much could be read. */
      readonly opened: Pick<WholeArchive, 'head' | 'isEncrypted'> | undefined
    }

/** Reads an archive to its end and says whether it is whole, or what is not so, up to where it can't be read further. */
export async function verifyArchive(
  file: ReadableStream<Uint8Array>,
  options: Omit<ReadOptions, 'mostProblems'>,
): Promise<Verdict> {
  let opened: { readonly head: ArchiveHead; readonly isEncrypted: boolean } | undefined
  try {
    const reading = await openArchive(file, { ...options, mostProblems })
    opened = { head: reading.head, isEncrypted: reading.isEncrypted }
    return { isWhole: true, archive: await readToEnd(reading) }
  } catch (thrown) {
    if (!(thrown instanceof ArchiveError)) throw thrown
    return { isWhole: false, fault: thrown.fault, problems: thrown.problems, opened }
  }
}

async function readToEnd({ pages }: ArchiveReading): Promise<WholeArchive> {
  for (;;) {
    const { done: isDone, value } = await pages.next()
    if (isDone === true) return value
  }
}
