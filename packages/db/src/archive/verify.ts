import { openArchive, type ReadOptions, type WholeArchive } from './read.ts'

/** Enough to see what is wrong, and no flood. */
const mostProblems = 20

/**
 * Reads an archive to its end.
 * @throws ArchiveError with all that is not so, up to the first point from which it can't be read further.
 */
export async function verifyArchive(
  file: ReadableStream<Uint8Array>,
  options: Omit<ReadOptions, 'mostProblems'>,
): Promise<WholeArchive> {
  const { pages } = await openArchive(file, { ...options, mostProblems })
  for (;;) {
    const { done: isDone, value } = await pages.next()
    if (isDone === true) return value
  }
}
