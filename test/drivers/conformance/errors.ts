import { expect, test } from 'vitest'
import type { Statement } from '@millrace/db/sql/statement'
import type { Connection } from '@millrace/db/sql/transport'
import { testWhere } from '../../dialects.ts'
import { holdLock } from './held-lock.ts'
import { failureOf, statementsOf, type ConnectOptions, type DriverTraits, type Suite } from './suite.ts'

type RefusalName = keyof DriverTraits['refusals']

/** Errors by their class, with no value in their words. */
export function errorConformance(suite: Suite): void {
  const { place, insert, ids } = statementsOf(suite)
  const { refusals } = suite.traits

  test('what is wrong is said by its class, without a value', async () => {
    const label = (id: string) => ({
      text: `insert into things (id, label) values (${place(1)}, ${place(2)})`,
      parameters: [id, 'hush'],
    })
    await suite.transport.run(label('a'))
    const twice = await failureOf(suite.transport.run(label('b')))
    expect(twice).toMatchObject({ fault: 'unique_violation', constraint: 'things_label_unique', isNotApplied: true })
    const missing = await failureOf(suite.transport.run({ text: 'select no_such_column from things', parameters: [] }))
    expect(missing).toMatchObject({ fault: 'database_schema_outdated', isNotApplied: true })
    const noTable = await failureOf(suite.transport.run({ text: 'select 1 from nothing_there', parameters: [] }))
    expect(noTable).toMatchObject({ fault: 'database_schema_outdated', isNotApplied: true })
    const orphan = await failureOf(
      suite.transport.run({
        text: `insert into parts (id, thing_id) values (${place(1)}, ${place(2)})`,
        parameters: ['p', 'hush'],
      }),
    )
    expect(orphan).toMatchObject({ fault: 'foreign_key_violation', isNotApplied: true })
    const amount = await failureOf(
      suite.transport.run({
        text: `insert into parts (id, thing_id, amount) values (${place(1)}, ${place(2)}, -1)`,
        parameters: ['hush', 'a'],
      }),
    )
    expect(amount).toMatchObject({ fault: 'check_violation', isNotApplied: true })
    const nobody = await failureOf(
      suite.transport.run({
        text: `insert into things (id, words) values (null, ${place(1)})`,
        parameters: ['hush'],
      }),
    )
    expect(nobody).toMatchObject({ fault: 'check_violation', isNotApplied: true })
    for (const error of [twice, missing, noTable, orphan, amount, nobody]) expect(error.message).not.toContain('hush')
  })

  /** Where the driver can meet it; its traits give the reason where it can't. */
  function testRefused(name: RefusalName, what: string, refused: () => Promise<unknown>): void {
    const refusal = refusals[name]
    testWhere('trouble' in refusal, `${what} is told as such, and nothing was applied`, async () => {
      const error = await failureOf(refused())
      expect(error).toMatchObject({ ...refusal, isNotApplied: true })
      expect(error.message).not.toContain('hush')
      expect(await ids()).not.toContain('refused')
    })
  }

  async function withConnection(options: ConnectOptions, work: (own: Connection) => Promise<unknown>): Promise<void> {
    const own = await suite.driver.connect(options)
    try {
      await work(own)
    } finally {
      await own.close()
    }
  }

  for (const wrong of ['password', 'token', 'database'] as const) {
    testRefused(wrong, `a wrong ${wrong}`, () =>
      withConnection({ wrong }, (own) => own.transport().run(insert('refused', 'hush'))),
    )
  }

  testRefused('readOnly', 'a write where only reading is allowed', () => {
    const { dialect } = suite.driver.database
    const write = (own: Connection) => own.transport().transact([readOnlyOf[dialect], insert('refused', 'hush')], [])
    // SQLite's pragma stays set.
    return dialect === 'sqlite' ? withConnection({ hasOneConnection: true }, write) : write(suite.connection)
  })

  testRefused('lock', 'a lock that another holds', async () => {
    await suite.driver.database.query("insert into things (id) values ('held')")
    const held = await holdLock(suite.driver.database, 'held')
    try {
      await (suite.driver.database.dialect === 'sqlite'
        ? suite.transport.run(insert('refused', 'hush'))
        : suite.transport.transact([insert('refused', 'hush')], [lockOf('held', 'nowait')]))
    } finally {
      await held.release()
    }
  })

  testRefused('pool', 'a pool that has no connection free', () =>
    withConnection({ hasOneConnection: true }, async (own) => {
      const occupied = await occupy(own)
      try {
        await Promise.race(occupied.others.map((each) => each()))
      } finally {
        await occupied.release()
        await own.transport().run({ text: 'select 1', parameters: [] })
      }
    }),
  )

  /** Takes the pool's only connection, until it is released; one of the others at least finds none. */
  async function occupy(own: Connection) {
    const { database } = suite.driver
    if (database.dialect === 'sqlite') {
      const snapshot = await own.snapshot()
      await snapshot.run({ text: 'select 1', parameters: [] })
      return { others: [() => own.transport().run(insert('refused', 'hush'))], release: () => snapshot.close() }
    }
    await database.query("insert into things (id) values ('held')")
    const held = await holdLock(database, 'held')
    const waiting: Promise<unknown>[] = []
    const read = () => {
      const locked = own.transport().transact([], [lockOf('held', '')])
      waiting.push(locked)
      return locked
    }
    return {
      others: [read, read],
      async release() {
        await held.release()
        await Promise.allSettled(waiting)
      },
    }
  }
}

function lockOf(id: string, otherwise: 'nowait' | ''): Statement {
  return { text: `select id from things where id = '${id}' for update ${otherwise}`, parameters: [] }
}

const readOnlyOf: Readonly<Record<'sqlite' | 'postgres' | 'mysql', Statement>> = {
  sqlite: { text: 'pragma query_only = on', parameters: [] },
  postgres: { text: 'set local transaction_read_only = on', parameters: [] },
  mysql: { text: 'set transaction read only', parameters: [] },
}
