import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeOneDialect } from '../dialects.ts'
import { startService, type Service } from '../service.ts'

const password = 'correct horse battery'

/** The console's sessions: the public routes, with the refresh token in a cookie that no script reads. */
describeOneDialect((dialect) => {
  let service: Service

  beforeAll(async () => {
    service = await startService(dialect)
  })
  afterAll(() => service.stop())

  const post = (step: string, body?: object, headers: Readonly<Record<string, string>> = {}) =>
    service.fetch(`/console/session/${step}`, {
      method: 'POST',
      headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })

  async function enter(username: string): Promise<string> {
    const made = await post('register', { username, email: `${username}@example.com`, password })
    expect(made.status).toBe(201)
    return cookieOf(made)
  }

  test('registering and logging in keep the refresh token out of the body', async () => {
    const cookie = await enter('body')
    const token = cookie.slice('millrace_session='.length)
    expect(token).toMatch(/^[\w-]{43}$/)
    const answer = await post('login', { username: 'body', password })
    const body = await answer.text()
    expect(answer.status).toBe(200)
    expect(JSON.parse(body)).toMatchObject({ refreshToken: 'cookie', user: { username: 'body' }, expiresIn: 900 })
    expect(body).not.toContain(cookieOf(answer).slice('millrace_session='.length))
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
  })

  test('the cookie is for these routes alone, and no script reads it', async () => {
    const answer = await post('register', { username: 'kept', email: 'kept@example.com', password })
    const cookie = answer.headers.get('Set-Cookie') ?? ''
    expect(cookie).toMatch(/; Path=\/console\/session; Max-Age=2592000; HttpOnly; SameSite=Strict$/)
    const overTls = await post('login', { username: 'kept', password }, { 'X-Forwarded-Proto': 'https' })
    expect(overTls.headers.get('Set-Cookie')).toMatch(/; Secure$/)
  })

  test('a refresh uses the cookie up and sets the next one', async () => {
    const first = await enter('turns')
    const refreshed = await post('refresh', undefined, { Cookie: first })
    expect(refreshed.status).toBe(200)
    const { accessToken, refreshToken } = (await refreshed.json()) as { accessToken: string; refreshToken: string }
    expect(refreshToken).toBe('cookie')
    const me = await service.fetch('/v1/auth/me', { headers: { Authorization: `Bearer ${accessToken}` } })
    expect(await me.json()).toMatchObject({ username: 'turns' })
    const second = cookieOf(refreshed)
    expect(second).not.toBe(first)
    const stolen = await post('refresh', undefined, { Cookie: first })
    expect(stolen.status).toBe(401)
    expect(await stolen.json()).toMatchObject({ code: 'token_reused' })
    expect(stolen.headers.get('Set-Cookie')).toMatch(/^millrace_session=; .*Max-Age=0/)
    const ended = await post('refresh', undefined, { Cookie: second })
    expect(ended.status).toBe(401)
  })

  test('logging out ends the session and the cookie', async () => {
    const cookie = await enter('leaves')
    const left = await post('logout', undefined, { Cookie: cookie })
    expect(left.status).toBe(204)
    expect(left.headers.get('Set-Cookie')).toMatch(/^millrace_session=; .*Max-Age=0/)
    expect((await post('refresh', undefined, { Cookie: cookie })).status).toBe(401)
  })

  test('whoever has no session asks in vain, which is no error', async () => {
    for (const step of ['refresh', 'logout']) {
      const answer = await post(step)
      expect(answer.status).toBe(204)
      expect(answer.headers.get('Set-Cookie')).toBeNull()
    }
  })

  test('a page of another origin is refused, of the same site too', async () => {
    const cookie = await enter('visited')
    for (const site of ['cross-site', 'same-site', 'none']) {
      const answer = await post('refresh', undefined, { Cookie: cookie, 'Sec-Fetch-Site': site })
      expect(answer.status).toBe(403)
      expect(answer.headers.get('Set-Cookie')).toBeNull()
    }
    expect((await post('refresh', undefined, { Cookie: cookie, 'Sec-Fetch-Site': 'same-origin' })).status).toBe(200)
  })

  test('what the public routes refuse is refused alike', async () => {
    await enter('refused')
    const wrong = await post('login', { username: 'refused', password: 'wrong' })
    expect([wrong.status, ((await wrong.json()) as { code: string }).code]).toEqual([401, 'invalid_credentials'])
    const extra = await post('login', { username: 'refused', password, more: 1 })
    expect([extra.status, ((await extra.json()) as { code: string }).code]).toEqual([422, 'validation_failed'])
    expect((await post('none')).status).toBe(404)
    const read = await service.fetch('/console/session/login')
    expect([read.status, read.headers.get('Allow')]).toEqual([405, 'POST'])
  })
})

describe("the console's files", () => {
  let service: Service

  beforeAll(async () => {
    service = await startService('sqlite')
  })
  afterAll(() => service.stop())

  test('every path below /console is the page, under a policy without inline scripts, markup or frames', async () => {
    for (const path of ['/console', '/console/', '/console/workflows/01', '/console/executions/x?view=graph']) {
      const answer = await service.fetch(path)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('Content-Type')).toMatch(/^text\/html/)
      const policy = answer.headers.get('Content-Security-Policy') ?? ''
      expect(policy).not.toMatch(/unsafe|\*|https?:/)
      for (const part of [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
      ]) {
        expect(policy.split('; ')).toContain(part)
      }
      expect(answer.headers.get('Cache-Control')).toBe('no-cache')
      expect(await answer.text()).not.toMatch(/<script(?![^>]*src=)|<style| on\w+=| style=/)
    }
  })

  test('its files may be kept for ever, and what is none of them is 404', async () => {
    const page = await (await service.fetch('/console')).text()
    const [script = ''] = /\/console\/assets\/[\w.-]+\.js/.exec(page) ?? []
    const answer = await service.fetch(script)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('Content-Type')).toMatch(/javascript/)
    expect(answer.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable')
    for (const path of ['/console/assets/none.js', '/console/assets/..%2findex.html', '/console/assets/']) {
      const none = await service.fetch(path)
      expect(none.status).toBe(404)
      expect(none.headers.get('Content-Type')).toBe('application/problem+json')
    }
    const written = await service.fetch('/console', { method: 'POST' })
    expect([written.status, written.headers.get('Allow')]).toEqual([405, 'GET, HEAD'])
  })
})

function cookieOf(answer: Response): string {
  return (answer.headers.get('Set-Cookie') ?? '').split(';')[0] ?? ''
}
