import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writesOf } from '../serial/pairs.ts'
import type { LostTrips } from './matrix.ts'

/** What a line of lost-trips.txt says, and the line. */
export interface LostTripsLine extends LostTrips {
  readonly name: string
}

/** Every line of lost-trips.txt: `answer complete`, `request heartbeat × cancel running`, `delayed patch × unshare × share`. */
export function readLostTrips(): readonly LostTripsLine[] {
  const lines = readFileSync(join(import.meta.dirname, 'lost-trips.txt'), 'utf8').split('\n')
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map(readLine)
}

function readLine(line: string): LostTripsLine {
  const [fault, ...words] = line.split(' ')
  const isLoss = fault === 'answer' || fault === 'request' || fault === 'delayed'
  if (!isLoss) throw new Error(`no trips that are lost: ${line}`)
  const [write, other, afterwards, ...more] = writesOf(words.join(' '))
  if (write === undefined || more.length > 0) throw new Error(`one write, two or three are lost trips of: ${line}`)
  return { name: line, fault, write, other, afterwards }
}
