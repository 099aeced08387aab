import { DatabaseError, perhapsApplied } from '../sql/errors.ts'

/** Whether a batch, sent once or several times, may have been applied. Once it may, only proof says that it was not. */
export interface Loss {
  isPossible: boolean
}

/** Sends, and remembers when no answer tells what became of it. */
export async function watched<Result>(loss: Loss, send: () => Promise<Result>): Promise<Result> {
  try {
    return await send()
  } catch (thrown) {
    if (!(thrown instanceof DatabaseError)) throw thrown
    if (!thrown.isNotApplied) loss.isPossible = true
    throw loss.isPossible && thrown.isNotApplied ? perhapsApplied(thrown) : thrown
  }
}
