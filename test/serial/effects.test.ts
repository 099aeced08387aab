import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { describeDialectsInTurn } from '../dialects.ts'
import { effectsOfWrite, readEffects } from './effects.ts'
import { openTheatre, type OpenTheatre } from './theatre.ts'
import { writesAlone } from './writes-alone.ts'
import { writes } from './writes.ts'

describeDialectsInTurn((dialect) => {
  let theatre: OpenTheatre
  beforeAll(async () => {
    theatre = await openTheatre(dialect, { servers: inject('servers'), directory: inject('dataDirectory') })
  })
  afterAll(() => theatre.close())

  test('each write by itself changes the rows that it is about, and no others', async () => {
    const found: string[] = []
    for (const write of [...writes, ...writesAlone]) {
      found.push(`${write.name} ⇒ ${await effectsOfWrite(theatre, write)}`)
    }
    expect(found).toEqual([...readEffects(dialect)].map(([name, effects]) => `${name} ⇒ ${effects}`))
  }, 60_000)
})
