import { expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { asRecord, isUuid7, itemsOf, nextCursorOf, readAnswer } from './answers.ts'
import { runScenarios, useWorld, type Scenario } from './scenarios.ts'
import type { World } from './world.ts'

const summary = ['id', 'versionNumber', 'changeNotes', 'createdBy', 'createdAt']

const lists: readonly Scenario[] = [
  {
    name: 'a workflow begins with version 1, without notes',
    path: '/v1/workflows/{private}/versions',
    status: 200,
    json: { nextCursor: null, items: [{ versionNumber: 1, changeNotes: null }] },
    hasNot: ['definition'],
    afterwards(answer, world) {
      const [version] = itemsOf(answer.json)
      expect(Object.keys(version ?? {})).toEqual(summary)
      expect(version?.['createdBy']).toBe(world.users.owner.id)
      expect(isUuid7(version?.['id'])).toBe(true)
    },
  },
  { name: 'a viewer lists them', as: 'viewer', path: '/v1/workflows/{private}/versions', status: 200 },
  { name: 'nobody lists those of what is public', as: 'nobody', path: '/v1/workflows/{public}/versions', status: 200 },
  { name: 'a stranger gets 404', as: 'stranger', path: '/v1/workflows/{private}/versions', status: 404 },
  { name: 'nobody 401', as: 'nobody', path: '/v1/workflows/{private}/versions', status: 401 },
  {
    name: 'a disabled user 403, public or not',
    as: 'disabled',
    path: '/v1/workflows/{public}/versions',
    status: 403,
    code: 'account_disabled',
  },
  { name: 'versions of nothing are 404', path: '/v1/workflows/{absent}/versions', status: 404 },
  {
    name: 'another list’s parameters are unknown',
    path: '/v1/workflows/{private}/versions?scope=all',
    status: 422,
    places: ['scope'],
  },
  { name: 'a bad limit is 422', path: '/v1/workflows/{private}/versions?limit=0', status: 422, places: ['limit'] },
  {
    name: 'nonsense for a cursor is invalid_cursor',
    path: '/v1/workflows/{private}/versions?cursor=W10',
    status: 422,
    code: 'invalid_cursor',
    places: ['cursor'],
  },
]

const reads: readonly Scenario[] = [
  {
    name: 'a version has its definition',
    path: '/v1/workflows/{private}/versions/1',
    status: 200,
    json: { versionNumber: 1, changeNotes: null },
    has: ['"definition":{"secret":"of the owner"}'],
    afterwards: ({ json }) => {
      expect(Object.keys(asRecord(json)).toSorted()).toEqual([...summary, 'definition'].toSorted())
    },
  },
  { name: 'an executor reads it', as: 'executor', path: '/v1/workflows/{private}/versions/1', status: 200 },
  {
    name: 'nobody reads that of what is public',
    as: 'nobody',
    path: '/v1/workflows/{public}/versions/1',
    status: 200,
    has: ['{"open":1}'],
  },
  {
    name: 'a stranger gets 404',
    as: 'stranger',
    path: '/v1/workflows/{private}/versions/1',
    status: 404,
    hasNot: ['of the owner'],
  },
  { name: 'nobody 401', as: 'nobody', path: '/v1/workflows/{private}/versions/1', status: 401 },
  { name: 'a version to come is 404', path: '/v1/workflows/{private}/versions/2', status: 404 },
  { name: 'version 0 is 404', path: '/v1/workflows/{private}/versions/0', status: 404 },
  { name: 'version x is 404', path: '/v1/workflows/{private}/versions/x', status: 404 },
  { name: 'version 1.0 is 404', path: '/v1/workflows/{private}/versions/1.0', status: 404 },
  { name: 'version 01 is 404', path: '/v1/workflows/{private}/versions/01', status: 404 },
  {
    name: 'a number beyond every column is 404',
    path: '/v1/workflows/{private}/versions/99999999999999999999',
    status: 404,
  },
  {
    name: 'nobody gets 404 for it where all may look',
    as: 'nobody',
    path: '/v1/workflows/{public}/versions/x',
    status: 404,
  },
  { name: 'and 401 where not', as: 'nobody', path: '/v1/workflows/{private}/versions/x', status: 401 },
]

describeDialectsByTest((dialect) => {
  const suite = useWorld(dialect)

  runScenarios(suite, [...lists, ...reads])

  test('every version stays as it was, newest first, page by page', async () => {
    const { world } = suite
    const { id } = await world.workflow({ definition: '{"n":1}' })
    for (let n = 2; n <= 5; n += 1) await patch(world, id, `{"definition":{"n":${n}},"changeNotes":"to ${n}"}`)
    const seen: Readonly<Record<string, unknown>>[] = []
    let cursor: string | undefined = ''
    while (cursor !== undefined) {
      const more = cursor === '' ? '' : `&cursor=${cursor}`
      const page = await readAnswer(await world.send('owner', 'GET', `/v1/workflows/${id}/versions?limit=2${more}`))
      seen.push(...itemsOf(page.json))
      cursor = nextCursorOf(page.json)
      // A version made meanwhile stands before the page and moves nothing.
      if (seen.length === 2) await patch(world, id, '{"definition":{"n":6}}')
    }
    expect(seen.map(({ versionNumber }) => versionNumber)).toEqual([5, 4, 3, 2, 1])
    expect(seen.map(({ changeNotes }) => changeNotes)).toEqual(['to 5', 'to 4', 'to 3', 'to 2', null])
    expect(
      seen.every(({ createdBy }) => createdBy === world.users.editor.id || createdBy === world.users.owner.id),
    ).toBe(true)
    for (let n = 1; n <= 6; n += 1) {
      const version = await readAnswer(await world.send('owner', 'GET', `/v1/workflows/${id}/versions/${n}`))
      expect(version.text).toContain(`"definition":{"n":${n}}`)
    }
  })

  test('a version is of whoever made it', async () => {
    const { world } = suite
    const { id } = await world.workflow()
    await patch(world, id, '{"definition":{"by":"the editor"}}')
    const { json } = await readAnswer(await world.send('viewer', 'GET', `/v1/workflows/${id}/versions/2`))
    expect(asRecord(json)['createdBy']).toBe(world.users.editor.id)
  })

  test('the versions of one workflow are not those of another', async () => {
    const { world } = suite
    const first = await world.workflow()
    const second = await world.workflow()
    for (let n = 0; n < 2; n += 1) await patch(world, first.id, `{"definition":{"n":${n}}}`)
    const page = await readAnswer(await world.send('owner', 'GET', `/v1/workflows/${first.id}/versions?limit=1`))
    const cursor = nextCursorOf(page.json) ?? ''
    const path = `/v1/workflows/${second.id}/versions?cursor=${cursor}`
    expect((await world.send('owner', 'GET', path)).status).toBe(422)
    expect((await world.send('owner', 'GET', `/v1/workflows/${second.id}/versions/2`)).status).toBe(404)
  })
})

async function patch(world: World, id: string, body: string): Promise<void> {
  const answer = await world.send('editor', 'PATCH', `/v1/workflows/${id}`, { body, headers: { 'If-Match': '*' } })
  expect(answer.status).toBe(200)
}
