import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { drawnFrom, isLong } from '../sampling.ts'
import { explore, type Violation } from './explore.ts'
import { headGroups, headWritesOf, openHeadTheatre, type HeadTheatre } from './heads.ts'
import { nameOf } from './pairs.ts'
import { textOf } from './report.ts'
import { run } from './run.ts'
import { readSchedule } from './schedule.ts'

const seed = process.env['SERIAL_SEED'] ?? '1'
const mostGroups = 12
const mostSchedules = isLong ? Number.POSITIVE_INFINITY : 3

// The other dialects have one statement for all claims.
describe('postgres', () => {
  let theatre: HeadTheatre
  beforeAll(async () => {
    theatre = await openHeadTheatre('postgres', { servers: inject('servers'), directory: inject('dataDirectory') })
  })
  afterAll(() => theatre.close())

  /** By which statements the first of the writes claims, after the others. */
  const claimedBy = async (names: string, schedule: string): Promise<readonly string[]> => {
    const { trace } = await run(theatre, headWritesOf(names), readSchedule(schedule), 'statement')
    const own = trace.filter(({ actor, label }) => actor === 'a' && label.startsWith('with '))
    return own.map(({ label }) => (label.startsWith('with head as materialized') ? 'head' : 'everything'))
  }

  test('what waits since its creation is claimed from the head; where something else is due, everything is looked through', async () => {
    expect(await claimedBy('claim at the head', 'a')).toEqual(['head'])
    expect(await claimedBy('claim at the head × claim at the head by an API key', 'ba')).toEqual(['head'])
    const others = ['start what is due in the queue', 'lose the lease of held', 'use up the first', 'mark a restore']
    for (const other of others) {
      expect(await claimedBy(`claim at the head × ${other}`, 'ba'), other).toEqual(['head', 'everything'])
    }
  })

  test('a claim at the head does not wait for what another request holds, and is given the next one', async () => {
    const together = headWritesOf('claim at the head × delete the first')
    const { outcome, trace } = await run(theatre, together, readSchedule('b1a'), 'statement')
    expect(trace.filter(({ waited }) => waited)).toEqual([])
    expect(outcome.answers.a).toContain('"id":"second"')
    expect(outcome.answers.b).toContain('execution_active')
  })

  test('whatever a claim at the head meets, the outcome is that of a serial order', async () => {
    const violations: Violation[] = []
    const withoutHead: string[] = []
    let schedules = 0
    const groups = drawnFrom(headGroups, mostGroups, 'claims at the head')
    for (const together of groups) {
      const before = theatre.sentHeads()
      const explored = await explore(theatre, together, { grain: 'statement', mostChanges: 3, mostSchedules, seed })
      schedules += explored.schedules
      violations.push(...explored.violations)
      if (theatre.sentHeads() === before) withoutHead.push(nameOf(together))
    }
    process.stdout.write(
      `SERIAL_SEED=${seed}: ${schedules} schedules of ${groups.length} pairs, ${theatre.sentHeads()} claims at the head\n`,
    )
    expect(violations.map((violation) => textOf('postgres', violation))).toEqual([])
    expect(withoutHead).toEqual([])
  }, 300_000)
})
