import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialects } from '../dialects.ts'
import { everyAct, unreached } from './acts/every-act.ts'
import { perform } from './acts/perform.ts'
import { callSites, placesOf } from './call-sites.ts'
import { fillEverything } from './fill-everything.ts'

/* The acts that costs, scans and growth are looked at by: they send every statement of the product. */

const sites = callSites()

describeDialects((dialect) => {
  let reached: ReachedDatabase
  /** Places that have called the Store. */
  const called = new Set<string>()
  const notDone = new Set(Object.keys(everyAct))

  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    await fillEverything(reached, { count: 4000, isAnalyzed: true, spares: 8 })
  }, 120_000)
  afterAll(() => reached.stop())

  test.each(Object.entries(everyAct))('%s is done', async (name, act) => {
    const sent: string[] = []
    await perform(act, reached.database, {
      tell: ({ statement }) => void sent.push(statement.text),
      called: (_method, stack) => {
        for (const place of placesOf(stack)) called.add(place)
      },
    })
    notDone.delete(name)
    expect(sent.length).toBeGreaterThan(0)
  })

  test('every place that sends statements through the Store is in an act', () => {
    expect([...notDone]).toEqual([])
    const missing = sites.filter(({ place }) => !called.has(place))
    expect(missing.map(({ name }) => name)).toEqual(unreached[dialect])
  })
})
