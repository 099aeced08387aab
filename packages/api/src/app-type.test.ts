import { hc, type InferRequestType, type InferResponseType } from 'hono/client'
import { expect, expectTypeOf, test } from 'vitest'
import type { AppType, Json, ProblemJson } from './app-type.ts'

/** The requests that a typed client makes, in place of sending them. */
function recorded(): { readonly requests: Request[]; readonly client: ReturnType<typeof hc<AppType>> } {
  const requests: Request[] = []
  const send: typeof fetch = (input, init) => {
    requests.push(new Request(input, init))
    return Promise.resolve(Response.json({}))
  }
  return { requests, client: hc<AppType>('http://millrace.test', { fetch: send }) }
}

type Api = ReturnType<typeof recorded>['client']
type Workflow = Api['v1']['workflows'][':id']
type Execution = Api['v1']['executions'][':id']

test('hc sends what the contract describes', async () => {
  const { requests, client } = recorded()
  await client.v1.workflows.$get({ query: { scope: 'owned', limit: '10' } })
  await client.v1.workflows[':id'].$patch({
    param: { id: 'w' },
    header: { 'If-Match': '"3"' },
    json: { definition: { nodes: [] }, changeNotes: null },
  })
  await client.v1.auth.me.$get()
  await client.v1.settings.$patch({ json: { theme: null }, header: { 'If-Match': '"1"' } })
  await client.v1.executions.claim.$post({ json: { worker: 'one' }, header: { 'Idempotency-Key': 'k' } })
  const sent = await Promise.all(requests.map(async (r) => [r.method, r.url, await r.text()]))
  expect(sent).toEqual([
    ['GET', 'http://millrace.test/v1/workflows?scope=owned&limit=10', ''],
    ['PATCH', 'http://millrace.test/v1/workflows/w', '{"definition":{"nodes":[]},"changeNotes":null}'],
    ['GET', 'http://millrace.test/v1/auth/me', ''],
    ['PATCH', 'http://millrace.test/v1/settings', '{"theme":null}'],
    ['POST', 'http://millrace.test/v1/executions/claim', '{"worker":"one"}'],
  ])
  expect(requests[1]?.headers.get('If-Match')).toBe('"3"')
  expect(requests[4]?.headers.get('Idempotency-Key')).toBe('k')
})

test('hc refuses what no contract has', () => {
  const { client } = recorded()
  const { v1 } = client
  const refused = (): unknown[] => [
    // @ts-expect-error -- no such path
    v1.nonsense,
    // @ts-expect-error -- a workflow cannot be put
    v1.workflows[':id'].$put,
    // @ts-expect-error -- If-Match is needed
    v1.workflows[':id'].$patch({ param: { id: 'w' }, json: { name: 'n' } }),
    // @ts-expect-error -- a workflow has no title
    v1.workflows.$post({ json: { name: 'n', definition: {}, title: 't' } }),
    // @ts-expect-error -- a name is text
    v1.workflows.$post({ json: { name: 1, definition: {} } }),
    // @ts-expect-error -- a definition is needed, in a batch too
    v1.workflows.batch.$post({ json: { items: [{ name: 'n' }] } }),
    // @ts-expect-error -- no such scope
    v1.workflows.$get({ query: { scope: 'mine' } }),
    // @ts-expect-error -- the id is needed
    v1.workflows[':id'].$get({}),
    // @ts-expect-error -- a report needs its fence
    v1.executions[':id'].$patch({ param: { id: 'e' }, json: { status: 'completed' } }),
    // @ts-expect-error -- nobody reports that it runs
    v1.executions[':id'].$patch({ param: { id: 'e' }, json: { fence: 1, status: 'running' } }),
  ]
  expect(refused).toBeTypeOf('function')
})

test('hc knows each answer by its status', () => {
  type Got = InferResponseType<Workflow['$get'], 200>
  expectTypeOf<Got>().toHaveProperty('definition').toEqualTypeOf<Record<string, unknown>>()
  expectTypeOf<Got>().toHaveProperty('permission').toEqualTypeOf<'view' | 'execute' | 'edit' | 'owner'>()
  expectTypeOf<Got>().not.toHaveProperty('changeNotes')
  expectTypeOf<InferResponseType<Workflow['$get'], 404>>().toEqualTypeOf<ProblemJson>()
  expectTypeOf<InferResponseType<Workflow['$delete'], 204>>().toEqualTypeOf<null>()
  type Claimed = InferResponseType<Api['v1']['executions']['claim']['$post'], 200>
  expectTypeOf<Claimed['items'][number]>().toHaveProperty('fence').toEqualTypeOf<number>()
})

test('documents are any JSON, times are text, repeatable parameters are lists', () => {
  type Report = InferRequestType<Execution['$patch']>['json']
  expectTypeOf<Report['state']>().toEqualTypeOf<Json | undefined>()
  expectTypeOf<Report['dueAt']>().toEqualTypeOf<string | null | undefined>()
  type Batch = InferRequestType<Api['v1']['workflows']['batch']['$post']>['json']
  expectTypeOf<Batch['items'][number]['name']>().toEqualTypeOf<string>()
  type Listed = InferRequestType<Api['v1']['executions']['$get']>['query']
  expectTypeOf<NonNullable<NonNullable<Listed>['status']>[number]>().toEqualTypeOf<
    'pending' | 'running' | 'paused' | 'completed' | 'failed' | 'cancelled'
  >()
})
