import type { Transport } from '@millrace/db/sql/transport'
import { expect } from 'vitest'
import { testWhere } from '../../dialects.ts'
import { startCuttingProxy, type CuttingProxy } from '../cutting-proxy.ts'
import { failureOf, statementsOf, type Suite } from './suite.ts'

/** Connections that are lost, before and after the server has done its work. */
export function lossConformance(suite: Suite): void {
  const { insert, ids } = statementsOf(suite)
  const { traits } = suite

  /** A transport through a proxy that cuts its connection at the next statement. */
  async function withProxy(work: (proxied: Transport, proxy: CuttingProxy) => Promise<void>): Promise<void> {
    if (suite.driver.server === undefined) throw new Error('a driver with a network has a server')
    const proxy = await startCuttingProxy(suite.driver.server)
    const proxied = await suite.driver.connect({ port: proxy.port })
    try {
      const own = proxied.transport()
      // So that it has a connection, and that the statement is prepared by then, where the driver does that.
      for (const id of ['one', 'two']) await own.run(insert(id))
      await own.run({ text: 'delete from things', parameters: [] })
      await work(own, proxy)
    } finally {
      await proxied.close()
      await proxy.close()
    }
  }

  testWhere(
    traits.hasNetwork,
    'a connection that breaks before the server has read is no certain failure, and nothing happened',
    async () => {
      await withProxy(async (proxied, proxy) => {
        proxy.cut('before')
        const error = await failureOf(proxied.run(insert('lost')))
        expect(error).toMatchObject({ fault: 'database_unreachable', isNotApplied: false })
        expect(await ids()).toEqual([])
      })
    },
  )

  testWhere(
    traits.hasNetwork,
    'one that breaks with the answer is told alike, and the write has happened',
    async () => {
      await withProxy(async (proxied, proxy) => {
        proxy.cut('after')
        const error = await failureOf(proxied.run(insert('lost')))
        expect(error).toMatchObject({ fault: 'database_unreachable', isNotApplied: false })
        expect(await ids()).toEqual(['lost'])
      })
    },
  )

  for (const [when, stored] of [
    ['before', []],
    ['after', ['one', 'two']],
  ] as const) {
    testWhere(
      traits.hasNetwork,
      `a batch whose end is lost ${when} the server has it is no certain failure, and is whole or not there`,
      async () => {
        await withProxy(async (proxied, proxy) => {
          proxy.cut(when, traits.commitText)
          const error = await failureOf(proxied.transact([insert('one'), insert('two')], []))
          expect(error).toMatchObject({ fault: 'database_unreachable', isNotApplied: false })
          // The server ends what a connection that is gone has left open when it notices.
          await expect.poll(ids, { timeout: 10_000 }).toEqual(stored)
          proxy.cut('never')
          await proxied.transact([insert('three'), ...(when === 'before' ? [insert('one'), insert('two')] : [])], [])
          expect(await ids()).toEqual(['one', 'three', 'two'])
        })
      },
    )
  }

  testWhere(traits.hasNetwork, 'after a lost connection the next statement makes a new one', async () => {
    await withProxy(async (proxied, proxy) => {
      proxy.cut('before')
      await failureOf(proxied.run(insert('lost')))
      proxy.cut('never')
      await proxied.run(insert('found'))
      expect(await ids()).toEqual(['found'])
    })
  })

  testWhere(traits.hasNetwork, 'a server that is not there is told as not reached', async () => {
    const nowhere = await suite.driver.connect({ port: 1 })
    const error = await failureOf(nowhere.transport().run({ text: 'select 1', parameters: [] }))
    expect(error.fault).toBe('database_unreachable')
    await nowhere.close()
  })
}
