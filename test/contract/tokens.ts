import { createAccessTokens } from '@millrace/api/auth/tokens'
import { parseSettings } from '@millrace/api/settings'
import type { Service } from '../service.ts'

/** A token that the service would have issued, for when no log-in can be had from it. */
export function signedToken(
  { vars }: Service,
  { userId = 'u1', sessionId = 'a-session', at = new Date() } = {},
): Promise<string> {
  const parsed = parseSettings(vars, {})
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return createAccessTokens(parsed.settings.authKeys).issue(userId, sessionId, at)
}
