/** Where a request stands in a trace that its caller began. */
export interface TraceContext {
  readonly traceId: string
  /** Passed on as they came, so that what follows belongs to the caller's own span: no span is made here. */
  readonly headers: Readonly<Record<string, string>>
}

const traceparentPattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
const memberPattern =
  /^([a-z0-9][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/
const mostMembers = 32
const mostStateCharacters = 512

/**
 * Reads `traceparent` and `tracestate` by W3C Trace Context's rules: without a valid `traceparent` there is no trace, and
 * an invalid `tracestate` is left out. https://www.w3.org/TR/trace-context/
 */
export function readTraceContext(headers: Headers): TraceContext | undefined {
  const traceparent = headers.get('traceparent')
  const traceId = traceparent === null ? undefined : traceparentPattern.exec(firstFields(traceparent))?.[1]
  if (traceparent === null || traceId === undefined) return undefined
  const tracestate = headers.get('tracestate')
  const isState = tracestate !== null && isTracestate(tracestate)
  return { traceId, headers: { traceparent: firstFields(traceparent), ...(isState ? { tracestate } : {}) } }
}

/** Versions after 00 may have more fields, after the four that are known. */
function firstFields(traceparent: string): string {
  return /^(?!00|ff)[0-9a-f]{2}-.{52}(-|$)/.test(traceparent) ? `00${traceparent.slice(2, 55)}` : traceparent
}

function isTracestate(text: string): boolean {
  if (text.length > mostStateCharacters) return false
  const members = text
    .split(',')
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((member) => member !== '')
  const keys = members.map((member) => memberPattern.exec(member)?.[1])
  return members.length <= mostMembers && !keys.includes(undefined) && new Set(keys).size === keys.length
}
