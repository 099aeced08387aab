import { untilReady, type Worker } from './worker.ts'

const mostStarts = 4

export interface Starting {
  /** Where the functions will answer. */
  readonly url: string
  readonly interruption: AbortSignal
  readonly note: (words: string) => void
  readonly start: () => Worker
}

/** Starts the functions until they answer; again where one of wrangler's inner ports was taken before it had it. */
export async function startReady({ url, interruption, note, start }: Starting): Promise<Worker> {
  for (let starts = 1; ; starts += 1) {
    const worker = start()
    try {
      await untilReady(worker, url, interruption)
      return worker
    } catch (error) {
      if (!worker.lostInnerPort() || starts === mostStarts) throw error
      note('A port that wrangler had chosen was taken in the meantime: starting it again.')
      await worker.close()
    }
  }
}
