import { createHash } from 'node:crypto'
import type { Context } from '../context.ts'
import { RestoreError } from '@millrace/db/archive/restore-error'
import { useSha256 } from '@millrace/db/archive/sha256'
import { DatabaseError } from '@millrace/db/sql/errors'
import { startLean } from './lean.ts'

/** Makes the process fit for moving any number of rows: in little memory, with Node's own SHA-256. */
export function startMoving(): void {
  startLean()
  useSha256(() => {
    const hash = createHash('sha256')
    return { update: (data) => void hash.update(data), hex: () => hash.digest('hex') }
  })
}

/** Runs work; where a signal ends it, says what was left and how to go on. */
export async function tellingInterruption<Result>(
  { output, lifetime }: Context,
  words: () => string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (thrown) {
    if (lifetime.interruption.aborted) output.note(`Interrupted. ${words()}`)
    throw thrown
  }
}

/** Runs work that writes rows under the mark; where the database ends it, says what was left and how to go on. */
export async function tellingMark<Result>(
  { output, lifetime }: Context,
  words: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (thrown) {
    if (endsLoading(thrown) && !lifetime.interruption.aborted) output.note(words)
    throw thrown
  }
}

function endsLoading(thrown: unknown): boolean {
  return thrown instanceof DatabaseError || (thrown instanceof RestoreError && thrown.fault === 'row_too_large')
}

/** How to go on with rows that were not all written. */
export function markedWords(shownUrl: string): string {
  return `If rows were already written, ${shownUrl} is marked and answers no requests: continue with the same command and --resume, or empty it with \`millrace restore --abandon\`.`
}
