import { randomBytes, randomUUID } from 'node:crypto'
import { createApp } from '@millrace/api/app'
import { newId } from '@millrace/api/ids'
import { parseSettings } from '@millrace/api/settings'
import { archiveTables } from '@millrace/db/archive/tables'
import { readRows } from '@millrace/db/archive/source'
import type { ArchiveRow } from '@millrace/db/archive/row'
import type { Database } from '@millrace/db/store/database'
import { registerUser } from '@millrace/db/repositories/accounts/users'
import { makeKey } from '../api-keys.ts'
import { newServiceSecrets } from '../secrets.ts'

/** Workflows that are read through the API, spread over all. */
const mostRead = 200

/** Reads workflows of a restored scratch database through the API's own code, as an administrator made for it. */
export async function readThroughApi(database: Database, workflows: number): Promise<readonly string[]> {
  const fetchWorkflow = await administratorsApi(database)
  const every = Math.max(1, Math.floor(workflows / mostRead))
  const problems: string[] = []
  let position = 0
  for await (const { table, entries } of readRows(database.transport())) {
    if (table !== workflowsTable) continue
    for (const { row } of entries) {
      if (position % every === 0) problems.push(...(await problemsOf(row, fetchWorkflow)))
      position += 1
    }
  }
  return problems
}

const workflowsTable = archiveTables.find(({ name }) => name === 'workflows')

type FetchWorkflow = (id: string) => Promise<Response>

async function problemsOf(row: ArchiveRow, fetchWorkflow: FetchWorkflow): Promise<readonly string[]> {
  const id = String(row['id'])
  const response = await fetchWorkflow(id)
  if (response.status !== 200) return [`workflow ${JSON.stringify(id)} is answered with ${response.status}`]
  const text = await response.text()
  const isSame = text.includes(`"definition":${String(row['definition'])}`)
  return isSame ? [] : [`workflow ${JSON.stringify(id)} has another definition in the API's answer`]
}

async function administratorsApi(database: Database): Promise<FetchWorkflow> {
  const parsed = parseSettings({ DATABASE_URL: 'sqlite:///./drill.db', ...newServiceSecrets() }, {})
  if (!parsed.ok) throw new TypeError(parsed.problems.map(({ why }) => why).join('; '))
  const { settings } = parsed
  const app = createApp({ settings, database, log: () => undefined })
  const at = new Date()
  const id = newId(at)
  const name = `drill-${randomUUID()}`
  const user = {
    id,
    username: name,
    usernameKey: name,
    email: name,
    emailKey: name,
    role: 'admin',
    createdAt: at,
  } as const
  const store = database.store()
  await registerUser(store, { ...user, passwordHash: randomBytes(16).toString('hex') })
  const { key } = await makeKey(store, { name: 'drill', scopes: ['read', 'admin'], expiresAt: null, owner: name })
  const headers = { Authorization: `Bearer ${key}` }
  return async (workflowId) => app.request(`/v1/workflows/${encodeURIComponent(workflowId)}`, { headers })
}
