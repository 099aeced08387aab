import type { UserCaller } from '@millrace/db/access/access'
import type { Database } from '@millrace/db/store/database'
import { checkDocument, type DocumentText } from '@millrace/db/document'
import { nameKey } from '@millrace/db/schema/names'
import { createWorkflows } from '@millrace/db/repositories/workflows/create'
import { listWorkflows } from '@millrace/db/repositories/workflows/list'
import { patchWorkflow } from '@millrace/db/repositories/workflows/patch'
import { listVersions } from '@millrace/db/repositories/workflows/versions'
import { getWorkflow } from '@millrace/db/repositories/workflows/workflows'
import type { Statement } from '@millrace/db/sql/statement'
import { asItself } from '@millrace/db/store/guarded-write'
import type { Store } from '@millrace/db/store/store'
import { instants, type Statements, type Template, type Values } from './floor-contract.ts'

const userId = 'recorded user'
const sessionId = 'recorded session'
const origin = { requestId: 'recorded request', network: 'recorded network' } as const
const id = 'recorded workflow'
const versionId = 'recorded version'
const operation = 'recorded operation'
const name = 'Recorded Name'
const revision = 7_654_321
const issuedAt = new Date('2001-02-03T04:05:06.007Z')
const at = new Date('2002-03-04T05:06:07.008Z')
const definition = documentOf('{"recorded":"definition"}')

/** What the product's repositories send for each act, with names where a request's own values go. */
export async function recordStatements({ dialect }: Pick<Database, 'dialect'>): Promise<Statements> {
  const caller: UserCaller = { kind: 'user', userId, issuedAt, mayAdminister: true, sessionId, origin }
  const workflow = { id, versionId, name, description: null, definition, isPublic: false, createdAt: at }
  const listing = { scope: 'all', order: 'createdAt', limit: 50 } as const
  const patch = { ifRevision: [revision], change: { definition }, versionId, operation, at }
  const record = async (act: (store: Store) => Promise<unknown>): Promise<readonly Template[]> => {
    const { statements, store } = recorder(dialect)
    await act(store).catch((thrown: unknown) => {
      if (!(thrown instanceof Recorded)) throw thrown
    })
    return statements.map((statement) => templateOf(dialect.name, statement))
  }
  return {
    read: await record((store) => getWorkflow(store, caller, id)),
    list: await record((store) => listWorkflows(store, caller, listing)),
    history: await record((store) => listVersions(store, caller, id, { limit: 50 })),
    create: await record((store) => createWorkflows(store, caller, [workflow])),
    patch: await record((store) => patchWorkflow(store, caller, id, patch)),
  }
}

/** Ends a repository's function where its statements are known. */
class Recorded extends Error {}

function recorder(dialect: Store['dialect']): { readonly statements: readonly Statement[]; readonly store: Store } {
  const statements: Statement[] = []
  const store: Store = {
    dialect,
    sharing: undefined,
    memory: undefined,
    read(query) {
      statements.push(query)
      return Promise.reject(new Recorded())
    },
    tidy(tidied) {
      statements.push(...tidied)
      return Promise.reject(new Recorded())
    },
    apply(write) {
      const { locks, gate, effects = [], answer } = write
      const locking = dialect.gate.locking(locks)
      const gates = 'answersWhenClosed' in write ? [gate] : dialect.gate.ending(gate)
      statements.push(...(locking === undefined ? [] : [locking]), ...gates, ...effects)
      const read = typeof answer === 'function' ? answer(asItself) : answer
      if (read !== undefined) statements.push(read)
      return Promise.reject(new Recorded())
    },
    change({ before = [], statement }) {
      statements.push(...before, statement)
      return Promise.reject(new Recorded())
    },
  }
  return { statements, store }
}

function templateOf(dialect: keyof typeof instants, { text, parameters }: Statement): Template {
  const { write } = instants[dialect]
  const values: Values = {
    ...origin,
    ...{ userId, sessionId, id, versionId, operation, name, definition, revision },
    ...{ nameKey: nameKey(name), issuedAt: write(issuedAt), at: write(at) },
  }
  const names = new Map(Object.entries(values).map(([key, value]) => [String(value), key as keyof Values]))
  const args = parameters.map((parameter) => {
    const known = names.get(String(parameter))
    if (known !== undefined) return { name: known }
    return typeof parameter === 'bigint' ? Number(parameter) : (parameter as string | number | null)
  })
  return { sql: text, args }
}

function documentOf(text: string): DocumentText {
  const checked = checkDocument(text)
  if (!checked.ok) throw new Error('the recorded document is none')
  return checked.text
}
