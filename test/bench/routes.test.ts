import { routes } from '@millrace/api/app'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openClient, type Client } from '../../bench/load.ts'
import { routeActs, routesWithoutAct } from '../../bench/routes/acts.ts'
import { openMailbox, type Mailbox } from '../../bench/routes/mailbox.ts'
import { measureAct } from '../../bench/routes/measure.ts'
import { createRouteWorld, routeVariables, type RouteWorld } from '../../bench/routes/world.ts'
import { describeDialectsInTurn } from '../dialects.ts'
import { drawnFrom } from '../sampling.ts'
import { startService, type Service } from '../service.ts'

/** In a run of everything each route has one of its acts, by seed: they differ in what its requests share. */
const acts = [...Map.groupBy(routeActs, ({ route }) => route)].flatMap(([route, ofRoute]) =>
  drawnFrom(ofRoute, 1, `act of ${route}`),
)

const nameOf = ({ route, on }: (typeof routeActs)[number]) => `${route} (${on})`

test('every route of the contract is measured, and one that was added without an act would be found', () => {
  expect(routesWithoutAct(routes)).toEqual([])
  const planted = { method: 'POST', path: '/v1/nothing' }
  expect(routesWithoutAct([...routes, planted])).toEqual(['POST /v1/nothing'])
})

test('nothing is measured that is no route, and nothing twice under one name', () => {
  const known = new Set(routes.map(({ method, path }) => `${method} ${path}`))
  expect(routeActs.filter(({ route }) => !known.has(route))).toEqual([])
  const names = routeActs.map(nameOf)
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})

test('each write has an act about one thing that all requests share', () => {
  const writes = routes.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`)
  const shared = routeActs.filter(({ on }) => /\bone\b/.test(on)).map(({ route }) => route)
  expect(writes.filter((route) => !shared.includes(route))).toEqual([])
})

describeDialectsInTurn((dialect) => {
  let service: Service
  let client: Client
  let mailbox: Mailbox
  let world: RouteWorld

  beforeAll(async () => {
    mailbox = await openMailbox()
    service = await startService(dialect, { vars: { ...routeVariables, ...mailbox.variables } })
    client = openClient(service.urls[0] ?? '')
    world = await createRouteWorld({
      ...{ client, mailbox, metricsToken: service.vars['METRICS_TOKEN'] ?? '' },
      promote: async (userId) => {
        await service.database.query(`update users set role = 'admin' where id = '${userId}'`)
      },
    })
  })
  afterAll(async () => {
    client.close()
    await service.stop()
    await mailbox.stop()
  })

  test.each(acts.map((act) => [nameOf(act), act] as const))('%s: three at once are answered', async (_, act) => {
    const complaints: string[] = []
    const complain = (complaint: string) => complaints.push(complaint)
    const [result] = await measureAct(world, act, { numbers: [3], complain, fewestRequests: 6 })
    expect(complaints).toEqual([])
    expect(result).toMatchObject({ route: act.route, on: act.on, atOnce: 3, failed: 0 })
    expect(result?.done).toBeGreaterThan(0)
  })
})
