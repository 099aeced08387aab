import { entryOf, type ArchiveRow, type RowPage, type RowPages } from '@millrace/db/archive/row'
import { archiveTables } from '@millrace/db/archive/tables'

const users = 100
const workflows = 1000
const pageRows = 1000

/** Rows of a size that engines have: a kilobyte or so an execution. Made as they are asked for, never held. */
export async function* benchRows(executions: number): RowPages & AsyncGenerator<RowPage> {
  const counts = { users, workflows, workflow_versions: workflows, executions }
  for (const table of archiveTables) {
    const count = table.name in counts ? counts[table.name as keyof typeof counts] : 0
    for (let at = 0; at < count; at += pageRows) {
      const numbers = Array.from({ length: Math.min(pageRows, count - at) }, (_, offset) => at + offset)
      const entries = numbers.map((number) => {
        const row = rowOf(table.name, number)
        return entryOf(Object.fromEntries(table.columns.map(({ name }) => [name, row[name] ?? null])))
      })
      yield await Promise.resolve({ table, entries })
    }
  }
}

const idOf = (kind: string, number: number): string =>
  `0190a000-0000-7000-8000-${kind}${String(number).padStart(11, '0')}`
const timeOf = (number: number): string => new Date(Date.UTC(2026, 0, 1) + number * 997).toISOString()

const definition = JSON.stringify({ nodes: Array.from({ length: 20 }, (_, id) => ({ id, type: 'http', retries: 3 })) })

function rowOf(table: string, number: number): ArchiveRow {
  const at = timeOf(number)
  switch (table) {
    case 'users':
      return {
        id: idOf('u', number),
        username: `user_${number}`,
        email: `user_${number}@example.com`,
        password_hash: '$2b$10$' + 'x'.repeat(53),
        role: 'user',
        created_at: at,
        tokens_valid_from: at,
        updated_at: at,
      }
    case 'workflows':
      return {
        id: idOf('w', number),
        name: `Workflow ${number}`,
        definition,
        owner_id: idOf('u', number % users),
        is_public: false,
        created_at: at,
        updated_at: at,
        version_number: 1,
        revision: 1,
      }
    case 'workflow_versions':
      return {
        id: idOf('v', number),
        workflow_id: idOf('w', number),
        version_number: 1,
        definition,
        created_by: idOf('u', number % users),
        created_at: at,
      }
    default:
      return execution(number, at)
  }
}

function execution(number: number, at: string): ArchiveRow {
  return {
    id: idOf('e', number),
    workflow_id: idOf('w', number % workflows),
    user_id: idOf('u', number % users),
    status: 'completed',
    state: JSON.stringify({
      step: number % 20,
      items: Array.from({ length: 10 }, (_, item) => `value ${number}-${item}`),
    }),
    started_at: at,
    completed_at: timeOf(number + 5),
    version_number: 1,
    input: JSON.stringify({ order: number, customer: `customer ${number % 997}` }),
    attempts: 1,
    max_attempts: 3,
    fence: 1,
    created_at: at,
    updated_at: timeOf(number + 5),
  }
}
