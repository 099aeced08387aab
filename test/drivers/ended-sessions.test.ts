import { connectHttp } from '@millrace/drivers/open'
import { connectNative, isNative } from '@millrace/drivers/native/open'
import type { NativeTarget } from '@millrace/drivers/native/open'
import { startGateway } from '@millrace/gateway'
import type { Connection } from '@millrace/db/sql/transport'
import { createDatabase } from '@millrace/db/store/database'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { targetOf } from '../database.ts'
import type { TestDatabase } from '../dialects.ts'
import { migratedDatabase } from '../templates.ts'
import { failureOf } from './conformance/suite.ts'
import { startLateProxy, type LateProxy } from './late-proxy.ts'

/* Sessions that PostgreSQL ends by itself, by each way that keeps connections. */

interface Reached {
  readonly connection: Connection
  close(): Promise<void>
}

const ways: Readonly<Record<string, (target: NativeTarget) => Promise<Reached>>> = {
  async native(target) {
    const connection = await connectNative(target, { timeoutSeconds: 20, log: () => undefined })
    return { connection, close: () => connection.close() }
  },
  async 'over HTTP'(target) {
    const gateway = await startGateway({ target })
    const connection = await connectHttp({ target, gatewayUrl: gateway.url, timeoutSeconds: 20 })
    return {
      connection,
      async close() {
        await connection.close()
        await gateway.close()
      },
    }
  },
}

const one = { text: 'select 1', parameters: [] }

describe('postgres', () => {
  for (const [way, reach] of Object.entries(ways)) {
    describe(way, () => {
      let database: TestDatabase
      let proxy: LateProxy
      let target: NativeTarget

      beforeAll(async () => {
        database = await migratedDatabase('postgres')
        const server = targetOf(database.url)
        if (server.via !== 'gateway' || !isNative(server)) throw new Error('a server is reached by its address')
        proxy = await startLateProxy(server)
        target = { ...server, host: '127.0.0.1', port: proxy.port }
      })
      afterAll(async () => {
        await proxy.close()
        await database.drop()
      })

      const set = async (setting: string, value: string): Promise<void> => {
        const [row] = await database.query('select current_database() as name')
        await database.query(`alter database "${String(row?.['name'])}" set ${setting} = '${value}'`)
      }

      /** With sessions to which a setting applies from their start. */
      async function during(setting: string, value: string, work: (connection: Connection) => Promise<void>) {
        await set(setting, value)
        const reached = await reach(target)
        try {
          await work(reached.connection)
        } finally {
          await reached.close()
          await set(setting, '0')
        }
      }

      /** Until the server has ended the sessions that wait, of which the client hears when it asks next. */
      async function endUnheard(): Promise<void> {
        const others =
          "select 1 from pg_stat_activity where datname = current_database() and application_name = 'millrace'"
        await expect.poll(async () => (await database.query(others)).length).toBe(0)
      }

      test('a request that meets the end of an idle session was not applied for certain', async () => {
        await during('idle_session_timeout', '300ms', async (connection) => {
          const transport = connection.transport()
          await transport.run(one)
          await endUnheard()
          const error = await failureOf(transport.run(one))
          expect(error).toMatchObject({ fault: 'database_unreachable', isNotApplied: true })
          expect(error.message).toContain('57P05')
        })
      })

      test('it is sent again, and answered', async () => {
        await during('idle_session_timeout', '300ms', async (connection) => {
          const store = createDatabase(connection).store()
          const read = () => store.read({ ...one, decode: ([value]) => String(value) })
          expect(await read()).toEqual(['1'])
          await endUnheard()
          expect(await read()).toEqual(['1'])
        })
      })

      test('a transaction that takes longer than the server lets one take is told as too late', async () => {
        await during('transaction_timeout', '200ms', async (connection) => {
          const slow = { text: 'select pg_sleep(20)', parameters: [] }
          const error = await failureOf(connection.transport().transact([], [slow]))
          expect(error).toMatchObject({ fault: 'database_timeout', trouble: 'statement_timeout' })
          expect(error.message).toContain('25P04')
          expect((await connection.transport().run(one)).rows).toEqual([['1']])
        })
      })
    })
  }
})
