import type { IncomingHttpHeaders } from 'node:http'
import type { DialectName } from '@millrace/db/sql/dialect'
import type { Log } from './log.ts'
import type { PoolStatus } from '@millrace/db/sql/transport'

export interface ProtocolRequest {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Aborted when the client goes away before it has its answer. */
  readonly signal: AbortSignal
}

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

export interface Route {
  readonly method: 'GET' | 'POST'
  readonly answer: (request: ProtocolRequest) => Promise<Reply>
}

/** Why a request was turned away before its protocol saw it. */
export interface RefusedRequest {
  readonly status: 400 | 401 | 403 | 413 | 500 | 503
  readonly message: string
}

/** One of the three services that the gateway stands in for. */
export interface Protocol {
  readonly dialect: DialectName
  /** By exact path. */
  readonly routes: ReadonlyMap<string, Route>
  /** A refusal in the shape that the protocol's own client understands. */
  refuse(refusal: RefusedRequest): Reply
  status(): PoolStatus
  /** From here on only what has begun goes on: open transactions and streams. Anything new is refused as busy. */
  beginNoMore(): void
  /** Rolls back what is open and closes every connection. */
  close(): Promise<void>
}

/** The answer to a body that is larger than the gateway takes. */
export function refuseTooLarge(protocol: Protocol, maxBytes: number): Reply {
  return protocol.refuse({ status: 413, message: `The request body is larger than ${maxBytes} bytes.` })
}

/** Logs what no protocol expects, by its name alone, and gives the answer to it. */
export function refuseUnexpected(protocol: Protocol, log: Log, path: string, error: unknown): Reply {
  const kind = error instanceof Error ? error.name : typeof error
  log({
    level: 'error',
    event: 'request_failed',
    message: `A request to ${path} failed with an unexpected ${kind}.`,
  })
  return protocol.refuse({ status: 500, message: 'The gateway failed unexpectedly.' })
}

export function jsonReply(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) }
}

export function textReply(status: number, body: string): Reply {
  return { status, headers: { 'content-type': 'text/plain' }, body }
}
