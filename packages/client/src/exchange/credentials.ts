import { ProblemError } from '../errors.ts'

export interface Tokens {
  readonly accessToken: string
  readonly refreshToken: string
}

/** Where tokens are kept: memory, unless the program has a better place. */
export interface TokenStore {
  load(): Promise<Tokens | undefined> | Tokens | undefined
  /** Undefined when there is nobody logged in any more. */
  save(tokens: Tokens | undefined): Promise<void> | void
  /**
   * Runs work that no other holder of the same tokens may do at the same time: a refresh token works once, and using it
   * twice ends the session. Needed where several tabs or processes share a store, e.g. `navigator.locks.request`.
   */
  exclusively?<Result>(work: () => Promise<Result>): Promise<Result>
}

export function memoryTokenStore(tokens?: Tokens): TokenStore {
  let kept = tokens
  return {
    load: () => kept,
    save(next) {
      kept = next
    },
  }
}

/** Who a client's calls are from. */
export interface Credentials {
  /** What the next call sends as its bearer token. */
  current(): Promise<string | undefined>
  /** Whether there is now another token than the one that was refused. Rejects where the refresh was refused. */
  renew(refused: string): Promise<boolean>
  /** Takes the tokens of a log-in, or forgets those that there are. */
  adopt(tokens: Tokens | undefined): Promise<void>
  refreshToken(): Promise<string | undefined>
}

export function apiKeyCredentials(key: string): Credentials {
  return {
    current: () => Promise.resolve(key),
    renew: () => Promise.resolve(false),
    adopt: () => Promise.reject(new Error('A client with an API key does not log in: make another without one.')),
    refreshToken: () => Promise.resolve(undefined),
  }
}

/** @param exchange Asks for a new pair of tokens. */
export function sessionCredentials(
  store: TokenStore,
  exchange: (refreshToken: string) => Promise<Tokens>,
): Credentials {
  let renewing: Promise<boolean> | undefined
  const exclusively = <Result>(work: () => Promise<Result>): Promise<Result> =>
    store.exclusively === undefined ? work() : store.exclusively(work)

  const renewNow = async (refused: string): Promise<boolean> => {
    const tokens = await store.load()
    if (tokens === undefined) return false
    // Another call, tab or process was first.
    if (tokens.accessToken !== refused) return true
    try {
      await store.save(await exchange(tokens.refreshToken))
      return true
    } catch (error) {
      if (error instanceof ProblemError && error.status === 401) await store.save(undefined)
      throw error
    }
  }

  return {
    current: async () => (await store.load())?.accessToken,
    async renew(refused) {
      renewing ??= exclusively(() => renewNow(refused)).finally(() => {
        renewing = undefined
      })
      return renewing
    },
    adopt: (tokens) => exclusively(async () => store.save(tokens)),
    refreshToken: async () => (await store.load())?.refreshToken,
  }
}
