import { withSourceFailures } from '@millrace/cli/archive/failure'
import { Failure } from '@millrace/cli/failure'
import { findHistoryGaps } from '@millrace/db/archive/history-gaps'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsInTurn } from '../dialects.ts'
import { archiveOf, fill, verified } from './archives.ts'

describeDialectsInTurn((dialect) => {
  let source: ReachedDatabase

  beforeAll(async () => {
    source = await reachDatabase(dialect)
    await fill(source.database, { users: 5, workflows: 10, executions: 60 })
  })

  afterAll(() => source.stop())

  const attempt = () =>
    withSourceFailures('The database', source.database, () => archiveOf(source.database)).catch(
      (thrown: unknown) => thrown,
    )

  async function entries(): Promise<readonly string[]> {
    const rows = await source.raw.query('select execution_id, seq, at, type from execution_history')
    return rows.map(({ execution_id, seq, at, type }) => [execution_id, seq, at, type].map(String).join(' ')).toSorted()
  }

  test('a backup names the executions whose history has a gap, and gives the statements that close it', async () => {
    // Each has five entries: ids with and without characters that SQL has to escape.
    const [plain = '', awkward = ''] = (
      await source.raw.query(
        'select execution_id from execution_history group by execution_id having count(*) = 5 order by execution_id',
      )
    ).map(({ execution_id: id }) => String(id))
    const odd = `o'dd\\${awkward}`.slice(0, 64)
    await source.raw.query(
      `insert into executions (id, workflow_id, user_id, status, version_number, attempts, max_attempts, fence, created_at, updated_at)
       select ${place(1)}, workflow_id, user_id, status, version_number, attempts, max_attempts, fence, created_at, updated_at from executions where id = ${place(2)}`,
      [odd, awkward],
    )
    await source.raw.query(`update execution_history set execution_id = ${place(1)} where execution_id = ${place(2)}`, [
      odd,
      awkward,
    ])
    const before = await entries()
    await source.raw.query(
      `delete from execution_history where (execution_id = ${place(1)} and seq in (2, 4)) or (execution_id = ${place(2)} and seq <= 2)`,
      [plain, odd],
    )
    expect(await findHistoryGaps(source.database.transport(), 10)).toHaveLength(3)
    const failure = await attempt()
    if (!(failure instanceof Failure)) throw new Error('the backup did not fail as it should')
    const { why, fix } = failure.words
    expect(why.split('\n').toSorted()).toEqual(
      [
        `execution ${JSON.stringify(plain)}: entry 2 is missing`,
        `execution ${JSON.stringify(plain)}: entry 4 is missing`,
        `execution ${JSON.stringify(odd)}: entries 1 to 2 are missing`,
      ].toSorted(),
    )
    for (const statement of fix.split('\n').slice(1)) await source.raw.query(statement.replace(/;$/, ''))

    expect(await findHistoryGaps(source.database.transport(), 10)).toEqual([])
    const archive = await attempt()
    if (!(archive instanceof Uint8Array)) throw archive
    expect(await verified(archive)).toMatchObject({ isWhole: true })
    // What is left is numbered anew and nothing else of it, and nothing of the others.
    const after = await entries()
    expect(after).toHaveLength(before.length - 4)
    const others = (lines: readonly string[]) =>
      lines.filter((line) => !line.startsWith(`${plain} `) && !line.startsWith(`${odd} `))
    expect(others(after)).toEqual(others(before))
    const numbers = await source.raw.query(
      `select e.last_seq as told, max(h.seq) as newest from executions e join execution_history h on h.execution_id = e.id where e.id in (${place(1)}, ${place(2)}) group by e.last_seq, e.id`,
      [plain, odd],
    )
    expect(numbers.map(({ told, newest }) => [Number(told), Number(newest)])).toEqual([
      [3, 3],
      [3, 3],
    ])
  })

  function place(position: number): string {
    return dialect === 'postgres' ? `$${position}` : '?'
  }
})
