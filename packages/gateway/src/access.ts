import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP } from 'node:net'
import type { RefusedRequest } from './protocol.ts'
import { isSameSecret } from './secret.ts'
import { gatewayTokenHeader } from '@millrace/drivers/gateway-wire'

export const tokenHeader = gatewayTokenHeader.toLowerCase()

/** Shorter ones could be guessed: nothing slows guesses down. */
export const minTokenCharacters = 32

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

export function isLoopbackHost(host: string): boolean {
  const name = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  const family = isIP(name)
  if (family !== 0) return loopback.check(name, family === 4 ? 'ipv4' : 'ipv6')
  return name.toLowerCase() === 'localhost'
}

export interface AccessRules {
  /** The address that the gateway listens on. */
  readonly host: string
  /** Any of them is taken: two while one is rotated. Read at each request; none are demanded where this is absent. */
  readonly tokens: (() => readonly string[]) | undefined
}

/**
 * Says why a request must not be answered, or undefined. A page in a browser on the same machine can send requests to
 * loopback, and SQLite has no password: so whatever carries an Origin is turned away, and on loopback so is a Host that
 * is not loopback (a name that an attacker's DNS points here).
 */
export function refusalOf(headers: IncomingHttpHeaders, rules: AccessRules): RefusedRequest | undefined {
  if (headers.origin !== undefined) {
    return { status: 403, message: 'The gateway answers no browser: a request with an Origin header is refused.' }
  }
  if (isLoopbackHost(rules.host) && !isOwnHost(headers.host, rules.host)) {
    return {
      status: 403,
      message: 'The Host header names neither loopback nor the address that the gateway listens on.',
    }
  }
  if (rules.tokens === undefined) return undefined
  const given = headers[tokenHeader]
  if (typeof given !== 'string' || !isAnyOf(given, rules.tokens())) {
    return {
      status: 401,
      message: `The header ${tokenHeader} is missing or wrong: give the gateway's token (DATABASE_GATEWAY_TOKEN).`,
    }
  }
  return undefined
}

/** Compares with all of them, so that the time tells nothing about which. */
function isAnyOf(given: string, tokens: readonly string[]): boolean {
  return tokens.map((token) => isSameSecret(given, token)).includes(true)
}

/** Prometheus knows no header of ours: for it the token may also come as `Authorization: Bearer`. */
export function withBearer(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const [, token] = /^Bearer +(\S+)$/iu.exec(headers.authorization ?? '') ?? []
  return token === undefined || headers[tokenHeader] !== undefined ? headers : { ...headers, [tokenHeader]: token }
}

function isOwnHost(header: string | undefined, host: string): boolean {
  if (header === undefined) return false
  const name = header.replace(/:\d+$/u, '')
  return name === host || isLoopbackHost(name)
}
