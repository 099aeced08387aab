import type { Tokens, TokenStore } from '@millrace/client'

/**
 * The access token of this tab: in memory, for its quarter of an hour. The refresh token is in a cookie that no script can
 * read (docs/adr/0090); what the client takes for it is a word.
 */
let kept: Tokens | undefined
const listeners = new Set<(isSignedIn: boolean) => void>()

export const tokens: TokenStore = {
  load: () => kept,
  save(next) {
    const was = kept !== undefined
    kept = next
    if (was && next === undefined) for (const listener of listeners) listener(false)
  },
  exclusively: (work) => exclusively(work),
}

/** Refreshing uses up the cookie's token, which all tabs share: one does it at a time. */
export async function exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
  // Only where the page came over TLS or from this machine: else two tabs may end each other's session.
  if (!('locks' in navigator)) return work()
  const result = await navigator.locks.request('millrace-session', async () => ({ value: await work() }))
  return result.value
}

/** Told when the session was ended by the service, or by this tab. */
export function onSignedOut(listener: () => void): void {
  listeners.add(() => listener())
}
