import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { sample } from '../serial/explore.ts'
import { writesOf } from '../serial/pairs.ts'
import type { OpenTheatre } from '../serial/theatre.ts'
import { standing, type Write } from '../serial/write.ts'
import { writes } from '../serial/writes.ts'
import { runLostTrips } from './matrix.ts'
import { openFaultyTheatre, textOf } from './two-faults.ts'

/*
 * An answer is lost, and before the look-up the caller's session, key, share, role or account ends: whoever is told 401,
 * 403 or 404 then must have changed nothing.
 */

/** Writes that end what a caller comes with, or may do. */
const endings = [
  'log out of the first',
  'end the other session',
  'delete the API key',
  'delete the worker key',
  'delete the key of erin',
  'disable alice',
  'disable bob',
  'disable erin',
  'disable root',
  'demote root',
  'demote admin',
  'unshare bob',
  'unshare carol',
  'unshare erin',
].flatMap(writesOf)

const isLong = process.env['TEST_LONG'] === '1'
const seed = process.env['FAULTS_SEED'] ?? '1'
/** Of the writes, in the short form. */
const mostWrites = 12

function endingsFor(write: Write): readonly Write[] {
  const rows = write.sender === undefined ? [] : standing[write.sender]
  const found = endings.filter((ending) => ending !== write && ending.changes.some((row) => rows.includes(row)))
  return isLong ? found : sample(found, 1, `${seed} ${write.name}`)
}

const withCallers = writes.filter((write) => endingsFor(write).length > 0)
const chosen = isLong ? withCallers : sample(withCallers, mostWrites, seed)

describeDialectsByTest((dialect) => {
  let theatre: OpenTheatre

  beforeAll(async () => {
    theatre = await openFaultyTheatre(dialect, { servers: inject('servers'), directory: inject('dataDirectory') })
  })
  afterAll(() => theatre.close())

  test.each(chosen)('"$name" is answered as it was done, though its caller ended before the answer', async (write) => {
    for (const ending of endingsFor(write)) {
      const violations = await runLostTrips(theatre, { fault: 'answer', write, other: ending })
      expect(violations.map(textOf)).toEqual([])
    }
  })
})
