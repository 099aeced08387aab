import { nameKey } from '@millrace/db/schema/names'
import * as resets from '@millrace/db/repositories/accounts/password-resets'
import { hashPassword } from '../auth/password.ts'
import { newOpaqueToken, resetTokenMinutes } from '../auth/opaque-tokens.ts'
import { sha256Hex } from '../digest.ts'
import { newId } from '../ids.ts'
import { sendPasswordRecovery } from '../mail/password-recovery.ts'
import { done, refuse, type Result } from '../result.ts'
import type { Context } from './context.ts'
import { tooMany } from './limits.ts'

/**
 * Makes a token for whoever has the address, and hands it to the mail webhook after the answer. With and without such a
 * user it answers alike and costs the same.
 */
export async function recover(context: Context, email: string): Promise<Result<void>> {
  const { store, origin, clock, settings, log, afterwards } = context
  const { requestId } = origin
  const { mailWebhook, rateLimits: rates } = settings
  if (mailWebhook === undefined) return refuse('not_found')
  const at = clock()
  const emailKey = nameKey(email)
  const { network } = origin
  const counted = { nameKey: `email:${sha256Hex(emailKey)}`, network, rates }
  const token = newOpaqueToken()
  const id = newId(at)
  const begun = await resets.beginRecovery(store, {
    ...{ id, emailKey, tokenSha256: token.sha256 },
    attempt: { id: newId(at), kind: 'recover', ...counted, at },
    expiresAt: new Date(at.getTime() + resetTokenMinutes * 60_000),
  })
  if (!begun.ok) return begun.refusal === 'rate_limited' ? tooMany(begun) : begun
  const recipient = begun.value
  if (recipient !== undefined) {
    afterwards(() => sendPasswordRecovery(mailWebhook, { id, ...recipient, token: token.text, requestId, at }, log))
  }
  return done(undefined)
}

/** Sets a new password by a token that was mailed: once, within its time. Every session ends. */
export async function reset(
  context: Context,
  { token, newPassword }: { readonly token: string; readonly newPassword: string },
): Promise<Result<void>> {
  const { store, origin, clock, settings } = context
  const { rateLimits: rates, bcryptCost } = settings
  if (settings.mailWebhook === undefined) return refuse('not_found')
  const begunAt = clock()
  const tokenSha256 = sha256Hex(token)
  const { network } = origin
  const attempt = {
    id: newId(begunAt),
    kind: 'recover',
    nameKey: `token:${tokenSha256}`,
    network,
    rates,
    at: begunAt,
  } as const
  const found = await resets.findReset(store, tokenSha256, attempt)
  if (!found.ok) return found.refusal === 'rate_limited' ? tooMany(found) : refuse('invalid_credentials', invalidToken)
  const passwordHash = await hashPassword(newPassword, bcryptCost)
  const at = clock()
  const { userId } = found.value
  const used = { userId, tokenSha256, passwordHash, attempt, eventId: newId(at), origin, at }
  const outcome = await resets.resetPassword(store, used)
  return outcome.ok ? outcome : refuse('invalid_credentials', invalidToken)
}

const invalidToken = { detail: 'This token is not valid, was used before, or has expired: ask for a new one.' }
