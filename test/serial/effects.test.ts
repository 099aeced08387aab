import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { describeDialectsInTurn } from '../dialects.ts'
import { effectsOf, readEffects } from './effects.ts'
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
    const { stage, world, baseline, beginsAt } = theatre
    const found: string[] = []
    for (const write of [...writes, ...writesAlone]) {
      await stage.ground.restore()
      await stage.refresh()
      stage.setClock(beginsAt)
      const { status } = await write.act(stage, world)
      const effects = effectsOf(baseline.rows, await stage.ground.rows(), world.names)
      found.push(`${write.name} ⇒ ${[status, ...effects].join('; ')}`)
    }
    expect(found).toEqual([...readEffects(dialect)].map(([name, effects]) => `${name} ⇒ ${effects}`))
  }, 60_000)
})
