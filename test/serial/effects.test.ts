import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { describeDialectsInTurn } from '../dialects.ts'
import { effectsOf, readEffects } from './effects.ts'
import { begin } from './run.ts'
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
    const { stage, world, baseline } = theatre
    const found: string[] = []
    for (const write of [...writes, ...writesAlone]) {
      await begin(theatre)
      const { status, headers } = await write.act(stage, world)
      const wait = Number(headers.get('Retry-After') ?? 0) > 450 ? ', to wait long' : ''
      const effects = effectsOf(baseline.rows, await stage.ground.rows(), world.names)
      found.push(`${write.name} ⇒ ${[`${status}${wait}`, ...effects].join('; ')}`)
    }
    expect(found).toEqual([...readEffects(dialect)].map(([name, effects]) => `${name} ⇒ ${effects}`))
  }, 60_000)
})
