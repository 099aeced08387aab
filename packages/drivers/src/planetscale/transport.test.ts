import type { Statement } from '@millrace/db/sql/statement'
import { parseDatabaseUrl } from '@millrace/db/url'
import { expect, test } from 'vitest'
import { planetScaleTransports, type MysqlTarget } from './transport.ts'

function target(): MysqlTarget {
  const parsed = parseDatabaseUrl('mysql://user:password@db.example/millrace')
  if (!parsed.ok || parsed.target.dialect !== 'mysql') throw new Error('no MySQL target')
  return parsed.target
}

/** Answers every statement with one changed row, but for the one that never comes to it. */
function losing(lost: string) {
  const sent: string[] = []
  const endpoint = {
    gatewayUrl: new URL('http://gateway.test'),
    gatewayToken: undefined,
    timeoutSeconds: 30,
    fetch: (_input: unknown, init?: RequestInit) => {
      const body: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : {}
      const query = String(Reflect.get(Object(body), 'query'))
      sent.push(query)
      if (query === lost) return Promise.reject(new TypeError('Network connection lost.'))
      return Promise.resolve(Response.json({ session: { id: 'one' }, result: { rowsAffected: '1' } }))
    },
  }
  return { sent, transport: planetScaleTransports(target(), endpoint)(undefined) }
}

const statement = (text: string): Statement => ({ text, parameters: [] })

test.each([
  { lost: 'begin', sent: ['begin'] },
  { lost: 'gate', sent: ['begin', 'gate', 'rollback'] },
  { lost: 'effect', sent: ['begin', 'gate', 'effect', 'rollback'] },
  { lost: 'answer', sent: ['begin', 'gate', 'effect', 'answer', 'rollback'] },
])('a transaction that lost its $lost was never applied, since nobody sent its COMMIT', async ({ lost, sent }) => {
  const network = losing(lost)
  const batch = network.transport.transact([statement('gate'), statement('effect')], [statement('answer')])
  await expect(batch).rejects.toMatchObject({ fault: 'database_unreachable', isNotApplied: true })
  expect(network.sent).toEqual(sent)
})

test('one that lost its COMMIT may have been applied', async () => {
  const network = losing('commit')
  const batch = network.transport.transact([statement('gate')], [])
  await expect(batch).rejects.toMatchObject({ fault: 'database_unreachable', isNotApplied: false })
  expect(network.sent).toEqual(['begin', 'gate', 'commit', 'rollback'])
})

test('a statement without a transaction may have been applied', async () => {
  await expect(losing('alone').transport.run(statement('alone'))).rejects.toMatchObject({ isNotApplied: false })
})
