import type { Credentials as Login, LoggedIn, PasswordChange, Registration, Session, User } from '../contract.ts'
import type { EntityCache } from '../exchange/entity-cache.ts'
import { pathOf, read, type Ask, type CallOptions } from '../exchange/asking.ts'
import type { Credentials } from '../exchange/credentials.ts'
import { listed, type ListOptions } from '../exchange/pages.ts'

interface Holding {
  readonly credentials: Credentials
  readonly cache: EntityCache
}

/** The account, and who the client's calls are from. */
export function createAuth(ask: Ask, { credentials, cache }: Holding) {
  return {
    /** Makes an account and logs in. Its answer lost, it is not sent again: log in to see whether there is one. */
    async register(registration: Registration, options?: CallOptions): Promise<User> {
      const reply = await ask({ method: 'POST', path: '/v1/auth/register', body: registration, isOpen: true }, options)
      return adopt(read<LoggedIn>(reply))
    },

    /** Logs in by username or email; every call from now on is that user's. */
    async login(login: Login, options?: CallOptions): Promise<User> {
      const question = {
        method: 'POST',
        path: '/v1/auth/login',
        body: login,
        isOpen: true,
        isRepeatable: true,
      } as const
      return adopt(read<LoggedIn>(await ask(question, options)))
    },

    /** Ends the session; the tokens are forgotten even where the service cannot be told. */
    async logout(options?: CallOptions): Promise<void> {
      const refreshToken = await credentials.refreshToken()
      await forget()
      if (refreshToken === undefined) return
      const body = { refreshToken }
      await ask({ method: 'POST', path: '/v1/auth/logout', body, isOpen: true, isRepeatable: true }, options)
    },

    async me(options?: CallOptions): Promise<User> {
      return read<User>(await ask({ method: 'GET', path: '/v1/auth/me' }, options))
    },

    /** Deletes the account, which may own no workflows. */
    async leave(password: string, options?: CallOptions): Promise<void> {
      await ask({ method: 'DELETE', path: '/v1/auth/me', body: { password } }, options)
      await forget()
    },

    /** Ends every session, this one too: log in again with the new password. */
    async changePassword(change: PasswordChange, options?: CallOptions): Promise<void> {
      await ask({ method: 'POST', path: '/v1/auth/password', body: change }, options)
      await forget()
    },

    sessions: (options: ListOptions = {}) => listed<Session>(ask, '/v1/auth/sessions', options),

    async endSession(id: string, options?: CallOptions): Promise<void> {
      await ask({ method: 'DELETE', path: pathOf`/v1/auth/sessions/${id}` }, options)
    },
  }

  async function adopt({ user, accessToken, refreshToken }: LoggedIn): Promise<User> {
    cache.clear()
    await credentials.adopt({ accessToken, refreshToken })
    return user
  }

  async function forget(): Promise<void> {
    cache.clear()
    await credentials.adopt(undefined)
  }
}
