import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { describeDialects, type DialectName } from '../dialects.ts'
import type { Grain } from './actor.ts'
import { isLong } from '../sampling.ts'
import { explore, replay, sample, type Violation } from './explore.ts'
import { readFailedSchedules } from './failed.ts'
import { pairs, writesOf } from './pairs.ts'
import { textOf } from './report.ts'
import { run } from './run.ts'
import { readSchedule } from './schedule.ts'
import { openTheatre, type OpenTheatre } from './theatre.ts'
import type { Write } from './write.ts'

const seed = process.env['SERIAL_SEED'] ?? '1'
const sampled: Readonly<Record<DialectName, { readonly pairs: number; readonly grain: Grain }>> = {
  sqlite: { pairs: isLong ? 80 : 15, grain: 'trip' },
  postgres: { pairs: isLong ? 30 : 8, grain: 'statement' },
  mysql: { pairs: isLong ? 25 : 6, grain: 'trip' },
}

describeDialects((dialect) => {
  let theatre: OpenTheatre
  beforeAll(async () => {
    theatre = await openTheatre(dialect, { servers: inject('servers'), directory: inject('dataDirectory') })
  })
  afterAll(() => theatre.close())

  test('the writes of the table meet in at least 250 pairs', () => {
    expect(pairs.length).toBeGreaterThan(250)
  })

  test('what follows a transaction that failed is a step, as it is by itself', async () => {
    const { grain } = sampled[dialect]
    const together = writesOf('cancel what has ended × sweep ended executions')
    const stepsOf = async (schedule: string) => {
      const { trace } = await run(theatre, together, readSchedule(schedule), grain)
      return trace.filter(({ actor }) => actor === 'b').length
    }
    const alone = await stepsOf('ba')
    expect(await stepsOf('ab')).toBe(alone)
  })

  test('a write that never stops is told as one', async () => {
    const { grain } = sampled[dialect]
    const outside: Write = {
      name: 'past the drivers',
      changes: [],
      reads: [],
      async act({ ground }) {
        await ground.execute(`update marks set value = value where name = 'restore'`)
        return { status: 200, headers: new Headers(), body: '' }
      },
    }
    const together = [...writesOf('create'), outside]
    const { unstepped } = await explore(theatre, together, { grain, mostChanges: 2, mostSchedules: 1, seed })
    expect(unstepped).toEqual(['past the drivers'])
    const stepped = await explore(theatre, writesOf('create × begin a restore'), {
      grain,
      mostChanges: 2,
      mostSchedules: 1,
      seed,
    })
    expect(stepped.unstepped).toEqual([])
  })

  test('every schedule that ever failed is serial', async () => {
    const violations: Violation[] = []
    for (const { grain, schedule, writes } of readFailedSchedules().filter((failed) => failed.dialect === dialect)) {
      const violation = await replay(theatre, writesOf(writes), readSchedule(schedule), grain)
      if (violation !== undefined) violations.push(violation)
    }
    expect(violations.map((violation) => textOf(dialect, violation))).toEqual([])
  }, 180_000)

  test('pairs that the seed chooses are serial', async () => {
    const { grain, pairs: count } = sampled[dialect]
    const violations: Violation[] = []
    const unstepped: string[] = []
    let schedules = 0
    for (const together of sample(pairs, count, seed)) {
      const explored = await explore(theatre, together, { grain, mostChanges: 3, mostSchedules: 6, seed })
      schedules += explored.schedules
      violations.push(...explored.violations)
      unstepped.push(...explored.unstepped)
    }
    process.stdout.write(`${dialect}: SERIAL_SEED=${seed}: ${schedules} schedules of ${count} pairs\n`)
    expect(violations.map((violation) => textOf(dialect, violation))).toEqual([])
    expect(unstepped).toEqual([])
  }, 180_000)
})
