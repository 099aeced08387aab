import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { describeDialects } from '../dialects.ts'
import { partOf, readPart } from '../serial/explore.ts'
import { writesOf } from '../serial/pairs.ts'
import type { OpenTheatre } from '../serial/theatre.ts'
import { openFaultyTheatre, runTwoFaults, wholeWrites } from './two-faults.ts'

const seed = Number(process.env['FAULTS_SEED'] ?? 1)
/** Of each write, by itself and with each partner. */
const mostRuns = Number(process.env['FAULTS_RUNS'] ?? 400)
/** Only writes whose name holds it. */
const wanted = process.env['FAULTS_WRITES'] ?? ''
/** As 1/3: one of three parts of the writes. They wait most of the time, so that parts run well side by side. */
const part = readPart(process.env['FAULTS_PART'] ?? '1/1')
const chosen = partOf(
  wholeWrites.filter(({ name }) => name.includes(wanted)),
  part,
)
/** The one whose write comes in between, in place of one that the seed chooses. */
const other = process.env['FAULTS_OTHER']

describeDialects((dialect) => {
  let theatre: OpenTheatre
  const total = { writes: 0, runs: 0, possible: 0, violated: 0 }

  beforeAll(async () => {
    theatre = await openFaultyTheatre(dialect, { servers: inject('servers'), directory: inject('dataDirectory') })
  })
  afterAll(async () => {
    process.stdout.write(
      `${dialect}: FAULTS_SEED=${seed}: ${total.runs} of ${total.possible} faults and pairs of faults at ${total.writes} writes, violations at ${total.violated} writes\n`,
    )
    await theatre.close()
  })

  test.each(chosen)(
    'whatever two trips of "$name" meet, it is done once or not at all, and as its answer says',
    async (write) => {
      const others = other === undefined ? undefined : writesOf(other)
      const { runs, possible, violations } = await runTwoFaults(theatre, write, { seed, mostRuns, others })
      total.writes += 1
      total.runs += runs
      total.possible += possible
      if (violations.length > 0) total.violated += 1
      expect(violations).toEqual([])
    },
    3_600_000,
  )
})
