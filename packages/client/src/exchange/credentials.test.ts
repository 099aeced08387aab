import { expect, test } from 'vitest'
import { createClient } from '../client.ts'
import { exactJson } from '../json-text.ts'
import { broken, fakeService, inTurn, json, problem, type FakeResponse } from '../testing/fake-service.ts'
import { memoryTokenStore, type Tokens, type TokenStore } from './credentials.ts'

const user = { id: 'u', username: 'ada', email: 'ada@example.com', role: 'user', createdAt: '' }

/** A service whose access tokens `a1`, `a2`, … count only while they are the newest; refresh tokens work once. */
function sessionService(options: { readonly onRefresh?: FakeResponse } = {}) {
  let newest = 1
  const service = fakeService(async (request, count) => {
    if (new URL(request.url).pathname === '/v1/auth/refresh') {
      if (options.onRefresh !== undefined) return options.onRefresh(request, count)
      const { refreshToken } = (await request.json()) as { refreshToken: string }
      if (refreshToken !== `r${newest}`) return problem(401, 'token_reused')(request, count)
      newest += 1
      return Response.json({ user, accessToken: `a${newest}`, refreshToken: `r${newest}`, expiresIn: 900 })
    }
    const isCurrent = request.headers.get('Authorization') === `Bearer a${newest}`
    return (isCurrent ? json({ ...user, id: 'w', definition: {} }) : problem(401, 'token_expired'))(request, count)
  })
  return {
    service,
    expire: () => (newest += 1),
    expireAccess(store: { tokens: Tokens | undefined }) {
      store.tokens = { accessToken: 'old', refreshToken: `r${newest}` }
    },
    refreshes: () => service.lines().filter((line) => line.endsWith('/refresh')).length,
  }
}

function openStore(tokens: Tokens | undefined): TokenStore & { tokens: Tokens | undefined } {
  return {
    tokens,
    load() {
      return Promise.resolve(this.tokens)
    },
    save(next) {
      this.tokens = next
    },
  }
}

const stale = { accessToken: 'old', refreshToken: 'r1' }

test('fifty calls whose token has run out share one refresh, and all are answered', async () => {
  const { service, refreshes } = sessionService()
  const tokens = openStore(stale)
  const client = createClient({ url: 'http://millrace.test', tokens, fetch: service.fetch })
  const answers = await Promise.all(Array.from({ length: 50 }, () => client.auth.me()))
  expect(answers.every(({ username }) => username === 'ada')).toBe(true)
  expect(refreshes()).toBe(1)
  expect(tokens.tokens).toEqual({ accessToken: 'a2', refreshToken: 'r2' })
})

test('a call that comes late with the old token refreshes nothing: there is a new one', async () => {
  const { service, refreshes } = sessionService()
  const tokens = openStore(stale)
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  const send: typeof fetch = async (input, init) => {
    const isFirst = service.requests.length === 0
    const answer = await service.fetch(input, init)
    if (isFirst) await held
    return answer
  }
  const client = createClient({ url: 'http://millrace.test', tokens, fetch: send })
  const slow = client.auth.me()
  await client.auth.me()
  release()
  expect(await slow).toMatchObject({ username: 'ada' })
  expect(refreshes()).toBe(1)
})

test('a write is repeated with the new token, once: the refused one did nothing', async () => {
  const { service } = sessionService()
  const client = createClient({ url: 'http://millrace.test', tokens: memoryTokenStore(stale), fetch: service.fetch })
  await client.workflows.update({ id: 'w', revision: 1 }, { definition: exactJson('{}') })
  expect(service.lines()).toEqual(['PATCH /v1/workflows/w', 'POST /v1/auth/refresh', 'PATCH /v1/workflows/w'])
})

test('a token that is refused again after its refresh is refused: no loop', async () => {
  const tokens = memoryTokenStore(stale)
  const service = fakeService((request, count) => {
    const isRefresh = request.url.endsWith('/refresh')
    const fresh = { user, accessToken: `a${count}`, refreshToken: `r${count}` }
    return (isRefresh ? json(fresh) : problem(401, 'unauthenticated'))(request, count)
  })
  const client = createClient({ url: 'http://millrace.test', tokens, fetch: service.fetch })
  await expect(client.auth.me()).rejects.toMatchObject({ code: 'unauthenticated' })
  expect(service.lines()).toHaveLength(3)
})

test.each(['token_reused', 'token_expired', 'unauthenticated'] as const)(
  'a refresh that is refused with %s ends the session here too',
  async (code) => {
    const { service } = sessionService({ onRefresh: problem(401, code) })
    const tokens = openStore(stale)
    const client = createClient({ url: 'http://millrace.test', tokens, fetch: service.fetch })
    await expect(client.auth.me()).rejects.toMatchObject({ code })
    expect(tokens.tokens).toBeUndefined()
  },
)

test('a refresh that nobody answered keeps the tokens', async () => {
  const { service } = sessionService({ onRefresh: broken })
  const tokens = openStore(stale)
  const retry = { attempts: 2, firstDelayMilliseconds: 1 }
  const client = createClient({ url: 'http://millrace.test', tokens, fetch: service.fetch, retry })
  await expect(client.auth.me()).rejects.toMatchObject({ name: 'ConnectionError' })
  expect(tokens.tokens).toEqual(stale)
})

test('a refresh is made within the store’s own exclusion', async () => {
  const { service, refreshes } = sessionService()
  const shared = openStore(stale)
  let queue: Promise<unknown> = Promise.resolve()
  const tokens: TokenStore = {
    load: () => shared.load(),
    save: (next) => shared.save(next),
    exclusively: (work) => {
      const done = queue.then(work)
      queue = done.catch(() => undefined)
      return done
    },
  }
  const tabs = [1, 2, 3].map(() => createClient({ url: 'http://millrace.test', tokens, fetch: service.fetch }))
  await Promise.all(tabs.map((tab) => tab.auth.me()))
  expect(refreshes()).toBe(1)
})

test('logging in and out takes and forgets the tokens, and sends none on open routes', async () => {
  const service = fakeService((request, count) =>
    request.url.endsWith('/logout')
      ? new Response(null, { status: 204 })
      : json({ user, accessToken: 'a', refreshToken: 'r', expiresIn: 900 })(request, count),
  )
  const tokens = openStore(stale)
  const client = createClient({ url: 'http://millrace.test', tokens, fetch: service.fetch })
  expect(await client.auth.login({ username: 'ada', password: 'p' })).toEqual(user)
  expect(tokens.tokens).toEqual({ accessToken: 'a', refreshToken: 'r' })
  await client.auth.logout()
  expect(tokens.tokens).toBeUndefined()
  expect(service.requests.map(({ headers }) => headers.get('Authorization'))).toEqual([null, null])
  expect(await service.requests[1]?.json()).toEqual({ refreshToken: 'r' })
})

test('an API key is sent as it is and never refreshed', async () => {
  const service = fakeService(inTurn(problem(401, 'unauthenticated')))
  const client = createClient({ url: 'http://millrace.test', apiKey: 'mr_key', fetch: service.fetch })
  await expect(client.auth.me()).rejects.toMatchObject({ code: 'unauthenticated' })
  expect(service.lines()).toEqual(['GET /v1/auth/me'])
  expect(service.requests[0]?.headers.get('Authorization')).toBe('Bearer mr_key')
})
