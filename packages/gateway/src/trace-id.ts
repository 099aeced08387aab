import type { IncomingHttpHeaders } from 'node:http'

const traceparentPattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The id of the trace that a request belongs to, as the functions pass it on: https://www.w3.org/TR/trace-context/ */
export function traceIdOf({ traceparent }: IncomingHttpHeaders): string | undefined {
  return typeof traceparent === 'string' ? traceparentPattern.exec(traceparent)?.[1] : undefined
}
