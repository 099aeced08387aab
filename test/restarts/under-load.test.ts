import { createClient } from '@libsql/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { targetOf } from '../database.ts'
import { describeDialectsInTurn } from '../dialects.ts'
import { until } from '../gateway/start.ts'
import { setStage, type Stage } from '../troubles/stage.ts'
import { startLoad, type Load } from './load.ts'

/** It takes a tenth of that where the machine has nothing else to do. */
const recoveryMilliseconds = 6000
const patienceSeconds = 20

describeDialectsInTurn((dialect) => {
  let stage: Stage
  beforeAll(async () => {
    stage = await setStage(dialect)
  })
  afterAll(async () => {
    await stage.stop()
  })

  test('stopped and started again under load: nothing but 503, soon back, nothing lost or doubled', async () => {
    const load = startLoad(stage, { writers: 4, readers: 2 })
    const backAtMs = await (stage.server === undefined ? restartGateway(load) : restartServer(load))
    await load.end()
    const recovered = Math.max(load.firstDone('read', backAtMs), load.firstDone('write', backAtMs)) - backAtMs
    expect([...load.statuses.keys()].filter((status) => ![200, 201, 409, 503].includes(status))).toEqual([])
    expect(load.statuses.get(503)).toBeGreaterThan(0)
    expect(recovered).toBeLessThan(recoveryMilliseconds)
    const stored = await storedNames()
    expect([...load.acknowledged].filter((name) => stored.get(name) !== 1)).toEqual([])
    expect([...load.asked].filter((name) => (stored.get(name) ?? 0) > 1)).toEqual([])
    expect(load.acknowledged.size).toBeGreaterThan(20)
  })

  /** Gives when the server took connections again. */
  async function restartServer(load: Load): Promise<number> {
    return stage.behind(stage.url, async () => {
      await until(() => load.acknowledged.size > 20, patienceSeconds)
      await stage.server?.stop()
      await refused(load)
      await stage.server?.start()
      const backAtMs = performance.now()
      await workedFrom(load, backAtMs)
      return backAtMs
    })
  }

  async function restartGateway(load: Load): Promise<number> {
    await stage.behind(stage.url, () => until(() => load.acknowledged.size > 20, patienceSeconds))
    await refused(load)
    return stage.behind(stage.url, async () => {
      const backAtMs = performance.now()
      await workedFrom(load, backAtMs)
      return backAtMs
    })
  }

  function refused(load: Load): Promise<void> {
    const before = load.statuses.get(503) ?? 0
    return until(() => (load.statuses.get(503) ?? 0) > before + 10, patienceSeconds)
  }

  async function workedFrom(load: Load, atMs: number): Promise<void> {
    const { size } = load.acknowledged
    await until(() => load.acknowledged.size > size + 20 && load.firstDone('read', atMs) < Infinity, patienceSeconds)
  }

  async function storedNames(): Promise<ReadonlyMap<string, number>> {
    const statement = 'select name, count(*) as times from workflows group by name'
    const rows = await (stage.server === undefined
      ? queryFile(statement)
      : stage.server.administer(statement, new URL(stage.url).pathname.slice(1)))
    return new Map(rows.map(({ name, times }) => [String(name), Number(times)]))
  }

  async function queryFile(statement: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const target = targetOf(stage.url)
    const client = createClient({ url: `file:${target.via === 'file' ? target.path : ''}` })
    try {
      const { rows } = await client.execute(statement)
      return rows.map((row) => ({ ...row }))
    } finally {
      client.close()
    }
  }
})
