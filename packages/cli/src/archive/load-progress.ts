import process from 'node:process'
import { startProgress, type Progress } from '../progress.ts'

/** Progress of writing rows, then of proving them. */
export interface LoadProgress {
  readonly onRows: (rows: number, bytes: number) => void
  readonly onIndex: (name: string) => void
  readonly onProven: (rows: number) => void
  end(): void
}

export function startLoadProgress(rows: number): LoadProgress {
  let current: Progress = startProgress(rows, 'rows')
  let isProving = false
  return {
    onRows: (count, bytes) => current.advance(count, bytes),
    onIndex(name) {
      current.end()
      process.stderr.write(`making the index ${name}\n`)
    },
    onProven(count) {
      if (!isProving) {
        current.end()
        current = startProgress(rows, 'rows proven')
        isProving = true
      }
      current.advance(count, 0)
    },
    end: () => current.end(),
  }
}
