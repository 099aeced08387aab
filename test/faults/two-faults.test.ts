import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { describeDialects, type DialectName } from '../dialects.ts'
import { sample } from '../serial/explore.ts'
import type { OpenTheatre } from '../serial/theatre.ts'
import { openFaultyTheatre, runTwoFaults, wholeWrites } from './two-faults.ts'

const seed = Number(process.env['FAULTS_SEED'] ?? 1)
/** Writes of the whole matrix, which two-faults.long.test.ts runs. On MariaDB a write has many trips. */
const sampled: Readonly<Record<DialectName, number>> = { sqlite: 4, postgres: 4, mysql: 2 }

describeDialects((dialect) => {
  let theatre: OpenTheatre
  beforeAll(async () => {
    theatre = await openFaultyTheatre(dialect, { servers: inject('servers'), directory: inject('dataDirectory') })
  })
  afterAll(() => theatre.close())

  test('whatever two trips of a write meet, it is done once or not at all, and as its answer says', async () => {
    const count = sampled[dialect]
    const found: string[] = []
    let runs = 0
    for (const write of sample(wholeWrites, count, `${seed} ${dialect}`)) {
      const result = await runTwoFaults(theatre, write, { seed, mostRuns: 6, mostFirsts: 2 })
      runs += result.runs
      found.push(...result.violations)
    }
    process.stdout.write(`${dialect}: FAULTS_SEED=${seed}: ${runs} faults and pairs of faults at ${count} writes\n`)
    expect(found).toEqual([])
  }, 240_000)
})
