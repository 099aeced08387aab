import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { describeDialectsByTest, testWhere } from '../dialects.ts'
import { drawnFrom } from '../sampling.ts'
import { doneAcross, doneAfter, endings, type Ending } from './standing.ts'
import { openTheatre, type OpenTheatre } from './theatre.ts'
import type { Write } from './write.ts'

/** Writes that are tried after each ending, in the short form. */
const mostWrites = 30

describeDialectsByTest((dialect) => {
  let theatre: OpenTheatre
  beforeAll(async () => {
    theatre = await openTheatre(dialect, { servers: inject('servers'), directory: inject('dataDirectory') })
  })
  afterAll(() => theatre.close())

  type Try = (theatre: OpenTheatre, ending: Ending, write: Write) => Promise<string | undefined>

  async function expectNothingDone(ending: Ending, done: Try): Promise<void> {
    const chosen = drawnFrom(ending.writes, mostWrites, `${dialect} ${ending.name}`)
    expect(chosen.length).toBeGreaterThan(0)
    const told: string[] = []
    for (const write of chosen) told.push((await done(theatre, ending, write)) ?? '')
    expect(told.filter((one) => one !== '')).toEqual([])
  }

  for (const ending of endings) {
    test(`once ${ending.name}, no write changes a row`, () => expectNothingDone(ending, doneAfter), 90_000)

    testWhere(
      dialect === 'sqlite',
      `once ${ending.name}, a write that was under way changes no row`,
      () => expectNothingDone(ending, doneAcross),
      90_000,
    )
  }
})
