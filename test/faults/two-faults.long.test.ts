import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { describeDialects } from '../dialects.ts'
import { sample } from '../serial/explore.ts'
import { partnersOf, writesOf } from '../serial/pairs.ts'
import { linesOf } from '../serial/report.ts'
import { steppedByTrip } from '../serial/stage.ts'
import { openTheatre, type OpenTheatre } from '../serial/theatre.ts'
import { writes } from '../serial/writes.ts'
import { runMatrix, type FaultViolation } from './matrix.ts'
import { faultyFetch } from './trip-faults.ts'

const seed = Number(process.env['FAULTS_SEED'] ?? 1)
/** Of each write, by itself and with each partner. */
const mostRuns = Number(process.env['FAULTS_RUNS'] ?? 400)
/** Only writes whose name holds it. */
const wanted = process.env['FAULTS_WRITES'] ?? ''
/** The one whose write comes in between, in place of one that the seed chooses. */
const other = process.env['FAULTS_OTHER']

describeDialects((dialect) => {
  let theatre: OpenTheatre
  const total = { runs: 0, possible: 0 }

  beforeAll(async () => {
    const place = { servers: inject('servers'), directory: inject('dataDirectory') }
    theatre = await openTheatre(dialect, place, (name, send) => steppedByTrip(name, faultyFetch(name, send)))
  })
  afterAll(async () => {
    process.stdout.write(
      `${dialect}: FAULTS_SEED=${seed}: ${total.runs} of ${total.possible} pairs of faults at ${writes.length} writes\n`,
    )
    await theatre.close()
  })

  test.each(writes.filter(({ name }) => name.includes(wanted)))(
    'whatever two trips of "$name" meet, it is done once or not at all, and as its answer says',
    async (write) => {
      const found: FaultViolation[] = []
      const between = other === undefined ? sample(partnersOf(write), 1, `${seed} ${write.name}`) : writesOf(other)
      for (const partner of [undefined, ...between]) {
        const { runs, possible, violations } = await runMatrix(theatre, write, partner, { mostRuns, seed })
        total.runs += runs
        total.possible += possible
        found.push(...violations)
      }
      expect(found.map(textOf)).toEqual([])
    },
    300_000,
  )
})

function textOf({ case: name, outcome, allowed }: FaultViolation): string {
  const lines = [`what came out:`, ...linesOf(outcome), ...allowed.flatMap((other) => ['allowed:', ...linesOf(other)])]
  return [name, ...lines].join('\n')
}
