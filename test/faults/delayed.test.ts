import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { sample } from '../serial/explore.ts'
import { writesOf } from '../serial/pairs.ts'
import type { OpenTheatre } from '../serial/theatre.ts'
import type { Write } from '../serial/write.ts'
import { writes } from '../serial/writes.ts'
import { runLostTrips } from './matrix.ts'
import { openFaultyTheatre, textOf } from './two-faults.ts'

/*
 * A trip is told as lost, and held back on its way. Before the write is sent again nobody may do anything; when it is
 * answered, everybody may again, and what was held back arrives. Whoever was told a refusal must have changed nothing.
 */

function byHand(name: string, statement: string): Write {
  return {
    name,
    changes: [],
    reads: [],
    async act(stage) {
      await stage.ground.execute(statement)
      return { status: 200, headers: new Headers(), body: '' }
    },
  }
}

const disabled = byHand('everybody is disabled', 'update users set disabled_at = updated_at where disabled_at is null')
const enabled = byHand('everybody is enabled', 'update users set disabled_at = null where disabled_at = updated_at')

const isLong = process.env['TEST_LONG'] === '1'
const seed = process.env['FAULTS_SEED'] ?? '1'
/** One statement each: MariaDB as well runs them without a transaction, whose locks would hold off others until it ends. */
const statements = writesOf('record steps × heartbeat')
const requests = writes.filter((write) => write.sender !== undefined && !statements.includes(write))
const chosen = [...statements, ...(isLong ? requests : sample(requests, 10, seed))]

describeDialectsByTest((dialect) => {
  let theatre: OpenTheatre

  beforeAll(async () => {
    theatre = await openFaultyTheatre(dialect, { servers: inject('servers'), directory: inject('dataDirectory') })
  })
  afterAll(() => theatre.close())

  test.each(chosen)('"$name" is not refused and done afterwards, when it arrives late', async (write) => {
    const violations = await runLostTrips(theatre, { fault: 'delayed', write, other: disabled, afterwards: enabled })
    expect(violations.map(textOf)).toEqual([])
  })
})
