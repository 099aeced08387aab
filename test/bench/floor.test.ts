import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '@millrace/drivers/open'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { floorVars } from '../../bench/floor-vars.ts'
import { targetOf } from '../database.ts'
import { describeDialectsInTurn } from '../dialects.ts'
import { startWorld, type World } from '../contract/world.ts'
import { buildOtherWorker, runWorker } from '../servers/worker.ts'
import { workspaceRoot } from '../workspace.ts'
import { startTap, type Tap } from './tap.ts'

const definition = `{"nodes":[{"id":"a","prompt":"it's \\"quoted\\" \\u00e9é\\n"}],"n":[1.0,2e3]}`

test('the floor has at most 80 lines', () => {
  expect(readFileSync(join(workspaceRoot, 'bench/floor.ts'), 'utf8').trimEnd().split('\n').length).toBeLessThan(81)
})

/** Once for all dialects. */
let building: ReturnType<typeof buildOtherWorker> | undefined

describeDialectsInTurn((dialect) => {
  let world: World
  let tap: Tap
  let floor: ReturnType<typeof runWorker>
  let floorUrl: string

  beforeAll(async () => {
    tap = await startTap()
    world = await startWorld(dialect, { DATABASE_GATEWAY_URL: tap.url }, ({ gatewayUrls }) => {
      tap.leadTo(gatewayUrls[0] ?? '')
    })
    const built = await (building ??= buildOtherWorker(
      join(inject('directory'), 'floor'),
      join(workspaceRoot, 'bench/floor.ts'),
    ))
    const { service } = world
    const target = targetOf(service.database.url)
    const { user, password } = { user: '', password: '', ...target }
    const opened = await openDatabase({ target, gatewayUrl: tap.url })
    const secret = service.vars['AUTH_KEYS']?.split(':')[1] ?? ''
    floor = runWorker(built, await floorVars(opened, { user, password, gatewayUrl: tap.url, secret }))
    floorUrl = (await floor.ready).origin
  })
  afterAll(async () => {
    await floor.dispose()
    await world.stop()
    await tap.stop()
  })

  /** Sends the same request to both, each in a world that is ready for it, and gives what each said and sent. */
  async function both(method: string, body: string | undefined, pathOf: () => Promise<string>) {
    const results = []
    for (const url of [world.service.urls[0], floorUrl]) {
      const path = await pathOf()
      tap.take()
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${world.users.owner.token}`,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(method === 'PATCH' ? { 'If-Match': '"1"' } : {}),
        },
        ...(body === undefined ? {} : { body }),
      })
      const text = await answer.text()
      results.push({ status: answer.status, etag: answer.headers.get('ETag'), text, sent: tap.take() })
    }
    return results
  }

  const fresh = async () => `/v1/workflows/${(await world.workflow({ definition })).id}`

  test('product and floor answer a read with the same bytes, by the same SQL', async () => {
    const path = await fresh()
    const [product, floored] = await both('GET', undefined, () => Promise.resolve(path))
    expect(product).toMatchObject({ status: 200 })
    expect(product?.text).toContain(definition)
    expect(product?.sent.length).toBe(1)
    expect(floored).toEqual(product)
  })

  test('they list the same, by the same SQL', async () => {
    await fresh()
    const [product, floored] = await both('GET', undefined, () => Promise.resolve('/v1/workflows'))
    expect(product).toMatchObject({ status: 200 })
    expect(product?.text).not.toBe('{"items":[],"nextCursor":null}')
    expect({ ...floored, etag: null }).toEqual(product)
  })

  test('they create by the same SQL', async () => {
    const body = `{"name":"Ünïcode it's","definition":{"saved":1}}`
    const [product, floored] = await both('POST', body, () => Promise.resolve('/v1/workflows'))
    expect(product).toMatchObject({ status: 201, etag: '"1"' })
    expect(floored).toMatchObject({ status: 201, etag: '"1"' })
    expect(product?.sent.join('\n').match(/saved/g)?.length).toBe(2)
    expect(floored?.sent).toEqual(product?.sent)
  })

  test('they patch by the same SQL', async () => {
    const [product, floored] = await both('PATCH', `{"definition":{"saved":2}}`, fresh)
    expect(product).toMatchObject({ status: 200, etag: '"2"' })
    expect(floored).toMatchObject({ status: 200, etag: '"2"' })
    expect(floored?.sent).toEqual(product?.sent)
  })

  test('a token that nobody signed is refused by both', async () => {
    const headers = { Authorization: `Bearer ${world.users.owner.token.slice(0, -4)}AAAA` }
    for (const url of [world.service.urls[0], floorUrl]) {
      const { status } = await fetch(`${url}/v1/workflows`, { headers })
      expect(status).toBe(401)
    }
  })
})
