import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { sample } from '../serial/explore.ts'
import { writesOf } from '../serial/pairs.ts'
import type { OpenTheatre } from '../serial/theatre.ts'
import { readLostTrips } from './lost-trips.ts'
import { runLostTrips } from './matrix.ts'
import { openFaultyTheatre, textOf } from './two-faults.ts'

/*
 * What a worker writes is looked up by a mark that others' writes may replace, where it leaves no entry of its own: an
 * answer is lost, and one of these writes to the same execution comes before the look-up.
 */

const workersWrites = ['heartbeat', 'write state', 'record steps', 'pause', 'give back', 'claim', 'claim under a key']
const others = ['cancel running', 'signal running', 'complete', 'give back', 'write state', 'claim five', 'heartbeat']

const isLong = process.env['TEST_LONG'] === '1'
const seed = process.env['FAULTS_SEED'] ?? '1'

function between(name: string): readonly string[] {
  const found = others.filter((other) => other !== name)
  return isLong ? found : sample(found, 2, `${seed} ${name}`)
}

describeDialectsByTest((dialect) => {
  let theatre: OpenTheatre

  beforeAll(async () => {
    theatre = await openFaultyTheatre(dialect, { servers: inject('servers'), directory: inject('dataDirectory') })
  })
  afterAll(() => theatre.close())

  test.each(workersWrites)('"%s" is answered as it was done, whatever was written before the look-up', async (name) => {
    for (const write of writesOf(name)) {
      for (const other of between(name).flatMap(writesOf)) {
        expect((await runLostTrips(theatre, { fault: 'answer', write, other })).map(textOf)).toEqual([])
      }
    }
  })

  test('each loss of lost-trips.txt is answered as it was done', async () => {
    const found: string[] = []
    for (const lost of readLostTrips()) found.push(...(await runLostTrips(theatre, lost)).map(textOf))
    expect(found).toEqual([])
  }, 60_000)
})
