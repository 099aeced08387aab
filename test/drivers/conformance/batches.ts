import { expect, test } from 'vitest'
import { testWhere } from '../../dialects.ts'
import { failureOf, statementsOf, type Suite } from './suite.ts'

/** Batches, gates and snapshots. */
export function batchConformance(suite: Suite): void {
  const { insert, update, select, ids } = statementsOf(suite)
  const { traits } = suite

  test('a batch gives a result for each statement, writes before reads', async () => {
    const results = await suite.transport.transact([insert('a', 'one'), insert('b', 'two')], [select('b')])
    expect(results.map(({ affected }) => affected).slice(0, 2)).toEqual([1, 1])
    expect(results[2]?.rows.map(([words]) => words)).toEqual(['two'])
  })

  test('a batch happens whole or not at all', async () => {
    await suite.transport.run(insert('taken'))
    const error = await failureOf(suite.transport.transact([insert('a'), insert('taken'), insert('b')], []))
    expect(error).toMatchObject({ fault: 'unique_violation', isNotApplied: true })
    expect(await ids()).toEqual(['taken'])
    await suite.transport.transact([insert('a'), insert('b')], [])
    expect(await ids()).toEqual(['a', 'b', 'taken'])
  })

  test('a gate that affects no row ends its batch, and nothing of it has happened', async () => {
    const closed = suite.transport.dialect.gate.ending(update('nobody', 'x'))
    const error = await failureOf(suite.transport.transact([insert('before'), ...closed, insert('after')], []))
    expect(error).toMatchObject({ isGateClosed: true, isNotApplied: true })
    expect(await ids()).toEqual([])
  })

  test('a gate that affects a row lets its batch happen', async () => {
    await suite.transport.run(insert('a', 'one'))
    const open = suite.transport.dialect.gate.ending(update('a', 'two'))
    const results = await suite.transport.transact([...open, insert('b')], [select('a')])
    expect(results.at(-1)?.rows[0]?.[0]).toBe('two')
    expect(await ids()).toEqual(['a', 'b'])
  })

  test('after a batch that failed or was closed the next ones work', async () => {
    await suite.transport.run(insert('taken'))
    for (let turn = 0; turn < 20; turn += 1) {
      const closed = suite.transport.dialect.gate.ending(update('nobody', 'x'))
      await failureOf(
        turn % 2 === 0 ? suite.transport.transact([insert('taken')], []) : suite.transport.transact(closed, []),
      )
      await suite.transport.transact([insert(`n${turn}`)], [])
    }
    expect(await ids()).toHaveLength(21)
  })

  test('batches at once do not mix', async () => {
    await Promise.all(
      Array.from({ length: 20 }, async (_none, index) => {
        const own = suite.connection.transport()
        const isFailing = index % 2 === 0
        const second = isFailing ? insert(`first-${index}`) : insert(`second-${index}`)
        await own.transact([insert(`first-${index}`), second], []).catch(() => undefined)
      }),
    )
    const found = await ids()
    expect(found).toHaveLength(20)
    expect(found.filter((id) => Number(id.split('-')[1]) % 2 === 0)).toEqual([])
  })

  testWhere(traits.snapshot === 'watched', 'a snapshot is confirmed, unless somebody wrote meanwhile', async () => {
    await suite.transport.run(insert('a', 'before'))
    const quiet = await suite.connection.snapshot()
    expect((await quiet.run(select('a'))).rows[0]?.[0]).toBe('before')
    await quiet.confirm?.()
    const disturbed = await suite.connection.snapshot()
    expect((await disturbed.run(select('a'))).rows[0]?.[0]).toBe('before')
    expect((await disturbed.run(select('b'))).rows).toEqual([])
    await suite.transport.run(insert('b'))
    expect(await failureOf(disturbed.confirm?.() ?? Promise.resolve())).toMatchObject({
      fault: 'database_busy',
      isNotApplied: true,
    })
    await Promise.all([quiet.close(), disturbed.close()])
  })

  testWhere(traits.snapshot === 'kept', 'a snapshot shows one moment, whatever is written meanwhile', async () => {
    await suite.transport.run(insert('a', 'before'))
    const snapshot = await suite.connection.snapshot()
    try {
      await suite.transport.transact([update('a', 'after'), insert('b')], [])
      expect((await snapshot.run(select('a'))).rows[0]?.[0]).toBe('before')
      expect((await snapshot.run(select('b'))).rows).toEqual([])
    } finally {
      await snapshot.close()
    }
    expect((await suite.transport.run(select('a'))).rows[0]?.[0]).toBe('after')
  })
}
