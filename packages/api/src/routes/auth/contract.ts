import * as z from 'zod'
import { maxPasswordBytes, minPasswordCodePoints } from '../../auth/password.ts'
import { accessTokenSeconds } from '../../auth/tokens.ts'
import { jsonResponse, type RouteResponse } from '../../response.ts'
import { codePointLength } from '../../code-points.ts'
import { id, instant, text } from '../../fields.ts'
import { refuse, type Refused } from '../../result.ts'
import type { RouteContext } from '../../route.ts'
import type { Context } from '../../services/context.ts'
import type { LoggedIn, UserView } from '../../services/sessions.ts'

const maxEmailCodePoints = 254

/** As typed; what counts is its NFKC form. */
export const username = text(1, 255).refine(isUsername, {
  error: 'must have 3 to 64 letters, marks, digits, ".", "_" or "-", none of which is invisible',
})

/** Default-ignorable characters show nothing: two names that look alike would be two users. */
function isUsername(typed: string): boolean {
  const normal = typed.normalize('NFKC')
  return /^[\p{L}\p{M}\p{Nd}._-]{3,64}$/u.test(normal) && !/\p{Default_Ignorable_Code_Point}/u.test(typed + normal)
}

export const email = text(3, maxEmailCodePoints).refine(isEmail, {
  error: 'must be an address such as ada@example.com, without white space',
})

function isEmail(typed: string): boolean {
  const address = /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u
  const normal = typed.normalize('NFKC')
  return address.test(typed) && address.test(normal) && codePointLength(normal.toLowerCase()) <= maxEmailCodePoints
}

const encoder = new TextEncoder()

export const newPassword = z
  .string()
  .refine((value) => codePointLength(value) >= minPasswordCodePoints, {
    error: `must have at least ${minPasswordCodePoints} characters`,
  })
  .refine((value) => encoder.encode(value).length <= maxPasswordBytes, {
    error: `must have at most ${maxPasswordBytes} bytes in UTF-8`,
  })
  .meta({ minLength: minPasswordCodePoints, format: 'password' })

/** A password to compare: whatever may once have been one. */
export const givenPassword = text(1, 1024).meta({ format: 'password' })

export const refreshToken = text(1, 1024)

export const userSchema = z
  .object({
    id,
    username: z.string(),
    email: z.string(),
    role: z.enum(['user', 'admin']),
    createdAt: instant,
  })
  .meta({ id: 'User' })

export const loggedInSchema = z
  .object({
    user: userSchema,
    accessToken: z.string().meta({ description: 'A JWT, for `Authorization: Bearer`.' }),
    refreshToken: z.string().meta({ description: 'Works once, within 30 days.' }),
    expiresIn: z.int().meta({ description: 'Seconds that the access token counts.' }),
  })
  .meta({ id: 'LoggedIn' })

export async function loggedInResponse(
  { accessTokens }: Pick<RouteContext, 'accessTokens'>,
  status: 200 | 201,
  { user, sessionId, refreshToken: token, at }: LoggedIn,
): Promise<RouteResponse> {
  const accessToken = await accessTokens.issue(user.id, sessionId, at)
  return jsonResponse(status, { user: { ...user }, accessToken, refreshToken: token, expiresIn: accessTokenSeconds })
}

/** Without a webhook nobody gets a token, so there is nothing to ask for and nothing to use. */
export function refuseWithoutMail({ settings }: Context): Refused | undefined {
  if (settings.mailWebhook !== undefined) return undefined
  return refuse('not_found', { detail: 'This service sends no mail: MAIL_WEBHOOK_URL is not configured.' })
}

export function userResponse(user: UserView): RouteResponse {
  return jsonResponse(200, { ...user })
}
