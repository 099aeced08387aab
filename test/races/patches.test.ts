import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeDialects } from '../dialects.ts'
import { isLong } from '../sampling.ts'
import { startService, type Service } from '../service.ts'

const rounds = isLong ? 50 : 10
const patchesAtOnce = 20

describeDialects((dialect) => {
  let service: Service
  let authorization: string

  beforeAll(async () => {
    service = await startService(dialect, { workers: 2, gateways: 2 })
    const registered = await service.fetch('/v1/auth/register', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ username: 'racer', email: 'racer@example.org', password: 'correct horse' }),
    })
    const { accessToken } = await jsonOf<{ accessToken: string }>(registered, 201)
    authorization = `Bearer ${accessToken}`
  })
  afterAll(() => service.stop())

  test(
    `of ${patchesAtOnce} patches at once with one If-Match, through two workers and two gateways, one is done and the rest are stale, ${rounds} times`,
    { timeout: 240_000 },
    async () => {
      const made = await send('POST', '/v1/workflows', { name: 'raced', definition: { round: 0 } })
      const { id } = await jsonOf<{ id: string }>(made, 201)
      for (let round = 1; round <= rounds; round += 1) {
        const answers = await Promise.all(
          Array.from({ length: patchesAtOnce }, (_none, racer) =>
            send(
              'PATCH',
              `/v1/workflows/${id}`,
              { definition: { round, racer } },
              { ifMatch: `"${round}"`, worker: racer % 2 },
            ),
          ),
        )
        const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b)
        expect(statuses).toEqual([200, ...Array.from({ length: patchesAtOnce - 1 }, () => 412)])
        const winner = answers.find(({ status }) => status === 200)
        expect(winner?.headers.get('ETag')).toBe(`"${round + 1}"`)
        await expectWinner(id, await winner?.text(), round)
        await Promise.all(answers.filter((answer) => answer !== winner).map((answer) => answer.text()))
      }
      expect(await versionNumbers(id)).toEqual(Array.from({ length: rounds + 1 }, (_none, index) => rounds + 1 - index))
    },
  )

  /** What the winner was told is what everyone reads, and one version keeps it. */
  async function expectWinner(id: string, told: string | undefined, round: number): Promise<void> {
    const read = await send('GET', `/v1/workflows/${id}`, undefined, { worker: round % 2 })
    expect(await read.text()).toBe(told)
    const version = await send('GET', `/v1/workflows/${id}/versions/${round + 1}`)
    const { definition } = await jsonOf<{ definition: unknown }>(version, 200)
    expect(JSON.parse(told ?? '')).toMatchObject({ definition, revision: round + 1, versionNumber: round + 1 })
  }

  async function versionNumbers(id: string): Promise<readonly number[]> {
    const list = await send('GET', `/v1/workflows/${id}/versions?limit=100`)
    const { items } = await jsonOf<{ items: readonly { versionNumber: number }[] }>(list, 200)
    return items.map(({ versionNumber }) => versionNumber)
  }

  function send(
    method: string,
    path: string,
    body?: unknown,
    { ifMatch, worker = 0 }: { readonly ifMatch?: string; readonly worker?: number } = {},
  ): Promise<Response> {
    const headers = {
      Authorization: authorization,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(ifMatch === undefined ? {} : { 'If-Match': ifMatch }),
    }
    return service.fetch(
      path,
      { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) },
      worker,
    )
  }
})

async function jsonOf<Body>(answer: Response, status: number): Promise<Body> {
  const text = await answer.text()
  expect({ status: answer.status, text }).toMatchObject({ status })
  // The contract's tests prove the shape; this one reads a field of it.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return JSON.parse(text) as Body
}
