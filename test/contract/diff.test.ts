import { expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { asRecord, readAnswer, tripsOf } from './answers.ts'
import { runScenarios, useWorld, type Scenario } from './scenarios.ts'
import type { Workflow, World } from './world.ts'

const differences: readonly Scenario[] = [
  {
    name: 'a version does not differ from itself',
    path: '/v1/workflows/{private}/versions/1/diff/1',
    status: 200,
    json: { from: 1, to: 1, patch: [] },
    afterwards: ({ json }) => {
      expect(Object.keys(asRecord(json))).toEqual(['from', 'to', 'patch'])
    },
  },
  { name: 'a viewer compares', as: 'viewer', path: '/v1/workflows/{private}/versions/1/diff/1', status: 200 },
  { name: 'nobody what is public', as: 'nobody', path: '/v1/workflows/{public}/versions/1/diff/1', status: 200 },
  { name: 'a stranger gets 404', as: 'stranger', path: '/v1/workflows/{private}/versions/1/diff/1', status: 404 },
  { name: 'nobody 401', as: 'nobody', path: '/v1/workflows/{private}/versions/1/diff/1', status: 401 },
  {
    name: 'a disabled user 403',
    as: 'disabled',
    path: '/v1/workflows/{public}/versions/1/diff/1',
    status: 403,
    code: 'account_disabled',
  },
  { name: 'from a version to come is 404', path: '/v1/workflows/{private}/versions/2/diff/1', status: 404 },
  { name: 'to a version to come is 404', path: '/v1/workflows/{private}/versions/1/diff/2', status: 404 },
  { name: 'from version 0 is 404', path: '/v1/workflows/{private}/versions/0/diff/1', status: 404 },
  { name: 'to version x is 404', path: '/v1/workflows/{private}/versions/1/diff/x', status: 404 },
  { name: 'of nothing is 404', path: '/v1/workflows/{absent}/versions/1/diff/1', status: 404 },
  {
    name: 'a parameter is 422',
    path: '/v1/workflows/{private}/versions/1/diff/1?a=1',
    status: 422,
    places: ['a'],
  },
  { name: 'but 404 ranks before', path: '/v1/workflows/{private}/versions/1/diff/2?a=1', status: 404 },
  { name: 'POST is 405', method: 'POST', path: '/v1/workflows/{private}/versions/1/diff/1', status: 405 },
]

describeDialectsByTest((dialect) => {
  const suite = useWorld(dialect)

  runScenarios(suite, differences)

  test('the patch turns a into b, with b’s exact text, and back', async () => {
    const { world } = suite
    const workflow = await world.workflow({ definition: '{"keep":[1, 2],"change":1,"drop":{"x":1}}' })
    await patch(world, workflow, '{"keep":[1,2],"change":1.0,"new":{"n": 1e400,"s":"\\u00e9"}}')
    const there = await readAnswer(await world.send('viewer', 'GET', `${pathOf(workflow)}/1/diff/2`))
    expect(there.text).toBe(
      '{"from":1,"to":2,"patch":[{"op":"replace","path":"/change","value":1.0},{"op":"remove","path":"/drop"},' +
        '{"op":"add","path":"/new","value":{"n": 1e400,"s":"\\u00e9"}}]}',
    )
    const back = await readAnswer(await world.send('viewer', 'GET', `${pathOf(workflow)}/2/diff/1`))
    expect(back.text).toBe(
      '{"from":2,"to":1,"patch":[{"op":"replace","path":"/change","value":1},{"op":"remove","path":"/new"},' +
        '{"op":"add","path":"/drop","value":{"x":1}}]}',
    )
    expect([tripsOf(there), tripsOf(back)]).toEqual([1, 1])
  })

  test('lists of a thousand entries are compared in one request', async () => {
    const { world } = suite
    const entries = Array.from({ length: 1000 }, (_, n) => `{"id":"node-${n}","config":{"retries":${n}}}`)
    const workflow = await world.workflow({ definition: `{"nodes":[${entries.join(',')}]}` })
    const changed = entries.map((entry, n) => (n === 500 ? '{"id":"other"}' : entry))
    await patch(world, workflow, `{"nodes":[${changed.join(',')}]}`)
    const answer = await readAnswer(await world.send('owner', 'GET', `${pathOf(workflow)}/1/diff/2`))
    expect(asRecord(answer.json)['patch']).toEqual([
      { op: 'replace', path: '/nodes/500/id', value: 'other' },
      { op: 'remove', path: '/nodes/500/config' },
    ])
  })
})

function pathOf({ id }: Workflow): string {
  return `/v1/workflows/${id}/versions`
}

async function patch(world: World, { id }: Workflow, definition: string): Promise<void> {
  const body = `{"definition":${definition}}`
  const answer = await world.send('owner', 'PATCH', `/v1/workflows/${id}`, { body, headers: { 'If-Match': '*' } })
  expect(answer.status).toBe(200)
}
