import type { D1Binding } from '@millrace/drivers/d1/client'
import type { RawRow, TestDatabase } from '../dialects.ts'
import { miniflare } from './miniflare.ts'

export const d1Binding = 'DB'

/** A D1 database of its own in workerd, as `wrangler dev` has it. */
export interface OwnD1 {
  readonly binding: D1Binding
  readonly database: TestDatabase
}

/** Starts one; nothing of it is kept. */
export async function startD1(): Promise<OwnD1> {
  const { Miniflare, NoOpLog, convertV4MiniflareOptions } = miniflare()
  const workerd = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: 'export default { fetch: () => new Response() }',
      compatibilityDate: '2026-11-02',
      d1Databases: [d1Binding],
      host: '127.0.0.1',
      port: 0,
      cf: false,
      log: new NoOpLog(),
    }),
  )
  const binding = await workerd.getD1Database(d1Binding)
  return { binding, database: testDatabaseOf(binding, () => workerd.dispose()) }
}

/** A D1 database as the suites ask it, past all of Millrace. */
export function testDatabaseOf(binding: D1Binding, drop: () => Promise<void>): TestDatabase {
  return {
    dialect: 'sqlite',
    url: `d1://${d1Binding}`,
    async query(statement, parameters = []) {
      const prepared = binding.prepare(statement)
      const { results } = await (parameters.length === 0 ? prepared : prepared.bind(...parameters)).all()
      return results.map((row): RawRow => ({ ...row }))
    },
    drop,
  }
}
