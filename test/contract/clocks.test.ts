import { expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { startService } from '../service.ts'
import { asRecord } from './answers.ts'
import { call, join } from './members.ts'

/** In the unit and within the skew that tokens are allowed. */
const ahead = {
  sqlite: 'tokens_valid_from + 5000',
  postgres: `tokens_valid_from + interval '5 seconds'`,
  mysql: 'tokens_valid_from + interval 5 second',
}

describeDialectsByTest((dialect) => {
  test('tokens that are given right after a password was set by a clock that is ahead work', async () => {
    const service = await startService(dialect)
    try {
      const { username, password } = await join(service)
      await service.database.query(`update users set tokens_valid_from = ${ahead[dialect]}`)
      const me = async (tokens: Readonly<Record<string, unknown>>) =>
        (await call(service, 'GET', '/v1/auth/me', { token: String(tokens['accessToken']) })).status
      const refreshed = async (tokens: Readonly<Record<string, unknown>>) => {
        const body = { refreshToken: tokens['refreshToken'] }
        const answer = await call(service, 'POST', '/v1/auth/refresh', { body })
        return { status: answer.status, tokens: asRecord(answer.json) }
      }
      const login = await call(service, 'POST', '/v1/auth/login', { body: { username, password } })
      const given = asRecord(login.json)
      expect([login.status, await me(given)]).toEqual([200, 200])
      const next = await refreshed(given)
      expect([next.status, await me(next.tokens)]).toEqual([200, 200])
      const another = await refreshed(next.tokens)
      expect([another.status, await me(another.tokens)]).toEqual([200, 200])
    } finally {
      await service.stop()
    }
  })
})
