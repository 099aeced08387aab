import { expect, test, vi } from 'vitest'
import { describeDialectsInTurn, freshDatabase } from '../dialects.ts'
import { documentOf, emptyDirectory, millrace } from './millrace.ts'

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

describeDialectsInTurn((dialect) => {
  test('a migration that was edited is refused until it is accepted, in a dry run too', async () => {
    const database = await freshDatabase(dialect)
    const call = { cwd: emptyDirectory(), env: { DATABASE_URL: database.url } }
    const migrate = (...args: readonly string[]) => millrace(['migrate', ...args, '--json'], call)
    expect(await migrate()).toMatchObject({ exitCode: 0 })
    await database.query("update migrations set hash = 'another' where name = '0001_initial'")
    for (const args of [[], ['--dry-run'], ['--dry-run', '--accept-changed', '0002_durable_executions']]) {
      const refused = await migrate(...args)
      expect(refused, args.join(' ')).toMatchObject({ exitCode: 1 })
      expect(documentOf(refused)).toMatchObject({ error: { code: 'migration_changed' } })
    }
    const unknown = await migrate('--dry-run', '--accept-changed', '0000_none')
    expect(unknown).toMatchObject({ exitCode: 2 })
    expect(documentOf(unknown)).toMatchObject({ error: { code: 'usage' } })
    const rehearsed = await migrate('--dry-run', '--accept-changed', '0001_initial')
    expect(rehearsed).toMatchObject({ exitCode: 0 })
    expect(documentOf(rehearsed)).toEqual({ applied: [], pending: [], sql: '' })
    // The dry run has accepted nothing.
    expect(await migrate('status')).toMatchObject({ exitCode: 1 })
    expect(await migrate('--accept-changed', '0001_initial')).toMatchObject({ exitCode: 0 })
    expect(await migrate('status')).toMatchObject({ exitCode: 0 })
    await database.drop()
  })
})
