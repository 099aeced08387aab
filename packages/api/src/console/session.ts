import { emptyResponse, type RouteResponse } from '../response.ts'
import { errorKind } from '../errors.ts'
import { refuse, type Refused } from '../result.ts'
import type { Route } from '../route.ts'
import { logIn } from '../routes/auth/login.ts'
import { logOut } from '../routes/auth/logout.ts'
import { refreshTokens } from '../routes/auth/refresh.ts'
import { registerAccount } from '../routes/auth/register.ts'

/**
 * The console's sessions (docs/adr/0090): each of these is the public route of the same name, but the refresh token
 * stays in a cookie that no script can read. In bodies the word `cookie` stands in its place.
 */
const steps: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['login', logIn],
  ['register', registerAccount],
  ['refresh', refreshTokens],
  ['logout', logOut],
])

const path = '/console/session'
const cookieName = 'millrace_session'
const standIn = 'cookie'
/** As long as a refresh token counts. */
const maxAgeSeconds = 30 * 24 * 60 * 60

export type ServeRoute = (route: Route, request: Request) => Promise<RouteResponse | Refused>

/** What a step answers, and the cookie that goes with it. */
export interface SessionResponse {
  readonly answer: RouteResponse | Refused
  readonly cookie?: string
}

export async function consoleSession(step: string, request: Request, serve: ServeRoute): Promise<SessionResponse> {
  const route = steps.get(step)
  if (route === undefined) return { answer: refuse('not_found', { detail: 'No route has this path.' }) }
  if (request.method !== 'POST') return { answer: refuse('method_not_allowed') }
  if (isForeign(request.headers)) {
    const detail = 'Sessions of the console are for its own page: use /v1/auth from elsewhere.'
    return { answer: refuse('forbidden', { detail }) }
  }
  const isSecure = isOverTls(request)
  if (route === registerAccount || route === logIn) return keepToken(await serve(route, request), isSecure)
  const token = cookieOf(request.headers)
  // Whoever has no session asks in vain, which is no fault of theirs.
  if (token === undefined) return { answer: emptyResponse() }
  const answer = await serve(route, withToken(request, token))
  if (route === refreshTokens && answer.ok) return keepToken(answer, isSecure)
  // A token that was refused is of no more use; after another failure it may be.
  const isOver = answer.ok || errorKind(answer.refusal).status === 401
  return isOver ? { answer, cookie: clearingCookie(isSecure) } : { answer }
}

/** A page of another origin, even one of the same site: browsers say so themselves. */
function isForeign(headers: Headers): boolean {
  const site = headers.get('Sec-Fetch-Site')
  return site !== null && site !== 'same-origin'
}

function cookieOf(headers: Headers): string | undefined {
  const pairs = (headers.get('Cookie') ?? '').split(';').map((pair) => pair.trim())
  const value = pairs.find((pair) => pair.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1)
  return value === '' ? undefined : value
}

function withToken(request: Request, refreshToken: string): Request {
  const headers = new Headers(request.headers)
  headers.set('Content-Type', 'application/json')
  headers.delete('Content-Length')
  return new Request(request.url, { method: 'POST', headers, body: JSON.stringify({ refreshToken }) })
}

/** Moves the refresh token of an answer into the cookie. */
function keepToken(answer: RouteResponse | Refused, isSecure: boolean): SessionResponse {
  if (!answer.ok) return { answer }
  const members: unknown = JSON.parse(typeof answer.body === 'string' ? answer.body : 'null')
  if (typeof members !== 'object' || members === null || !('refreshToken' in members)) return { answer }
  const body = JSON.stringify({ ...members, refreshToken: standIn })
  return { answer: { ...answer, body }, cookie: settingCookie(String(members.refreshToken), isSecure) }
}

function settingCookie(token: string, isSecure: boolean): string {
  return `${cookieName}=${token}; Path=${path}; Max-Age=${maxAgeSeconds}; ${attributes(isSecure)}`
}

function clearingCookie(isSecure: boolean): string {
  return `${cookieName}=; Path=${path}; Max-Age=0; ${attributes(isSecure)}`
}

/** Over plain HTTP, as `dev` serves, a browser may refuse to keep a cookie that is `Secure`. */
function attributes(isSecure: boolean): string {
  return `HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`
}

function isOverTls(request: Request): boolean {
  return new URL(request.url).protocol === 'https:' || request.headers.get('X-Forwarded-Proto') === 'https'
}
