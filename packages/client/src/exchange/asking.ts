import { UnexpectedAnswerError } from '../errors.ts'
import { exactJson, itemTexts, readExact, writeExact, type JsonText } from '../json-text.ts'
import type { Credentials } from './credentials.ts'
import type { EntityCache } from './entity-cache.ts'
import type { Exchange } from './exchange.ts'
import type { Reply } from './reply.ts'

/** What any call may be given. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** In place of the client's own, for all of the call. */
  readonly deadlineMilliseconds?: number | undefined
  /** Told why, each time that it is sent again. */
  readonly onRetry?: ((failure: unknown) => void) | undefined
}

/** What a call is given whose route takes an Idempotency-Key. */
export interface KeyedCallOptions extends CallOptions {
  /** A random one unless given. Give one to carry a call over a restart of the program. */
  readonly idempotencyKey?: string | undefined
}

/** A request, before it is known who sends it. */
export interface Question {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: object | undefined
  /** Members, of which documents are exact text; or the whole body as text. */
  readonly body?: object | JsonText | undefined
  readonly ifMatch?: string | undefined
  /** Whether the route takes an Idempotency-Key: it is sent, and the call may be repeated. */
  readonly isKeyed?: boolean
  /** Where a write may be repeated without a key. A read always may. */
  readonly isRepeatable?: boolean
  /** Whether the route looks at no token. */
  readonly isOpen?: boolean
  /** Whether an answer may be kept and asked for with If-None-Match. */
  readonly isCacheable?: boolean
}

/** Asks, and gives the answer as it came. */
export type Ask = (question: Question, options?: KeyedCallOptions) => Promise<Reply>

export interface Asking {
  readonly exchange: Exchange
  readonly credentials: Credentials
  readonly cache: EntityCache
}

export function createAsk({ exchange, credentials, cache }: Asking): Ask {
  return async (question, options = {}) => {
    const { method, path, isKeyed = false, isOpen = false, isCacheable = false } = question
    const kept = isCacheable ? cache.get(path) : undefined
    const reply = await exchange({
      method,
      path: `${path}${queryText(question.query)}`,
      headers: {
        ...(question.body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(question.ifMatch === undefined ? {} : { 'If-Match': question.ifMatch }),
        ...(isKeyed ? { 'Idempotency-Key': options.idempotencyKey ?? randomKey() } : {}),
        ...(kept === undefined ? {} : { 'If-None-Match': kept.tag }),
      },
      body: bodyText(question.body),
      isRepeatable: method === 'GET' || isKeyed || question.isRepeatable === true,
      credentials: isOpen ? undefined : credentials,
      signal: options.signal,
      deadlineMilliseconds: options.deadlineMilliseconds,
      onRetry: options.onRetry,
    })
    if (reply.status === 304 && kept !== undefined) return { ...reply, status: 200, text: kept.text }
    const tag = reply.headers.get('ETag')
    if (isCacheable && tag !== null) cache.set(path, { tag, text: reply.text })
    return reply
  }
}

/** The members that are documents, wherever they stand: exact text, in and out. */
const documents: ReadonlySet<string> = new Set(['definition', 'input', 'state', 'patch', 'data', 'output', 'payload'])

/** A body whose `items` have documents. */
export function writeItems(items: readonly object[]): JsonText {
  return exactJson(`{"items":[${items.map((item) => writeExact(item, documents)).join(',')}]}`)
}

/** Reads an answer whose `items` have documents. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the route's caller names its contract
export function readItems<Item>({ status, text }: Pick<Reply, 'status' | 'text'>): readonly Item[] {
  const { items } = readExact(text, new Set(['items']))
  return itemTexts(String(items)).map((item) => read<Item>({ status, text: item }))
}

/** A body with one member that is a list of objects with documents. */
export function writeList(name: string, items: readonly object[], members: object): JsonText {
  const list = exactJson(`[${items.map((item) => writeExact(item, documents)).join(',')}]`)
  return writeExact({ ...members, [name]: list }, new Set([name]))
}

/** Reads items of which one member is a list of objects with documents, or null. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the route's caller names its contract
export function readItemsWith<Item>(name: string, reply: Pick<Reply, 'status' | 'text'>): readonly Item[] {
  const items = readExact(reply.text, new Set(['items']))['items']
  return itemTexts(String(items)).map((text) => {
    const item = readExact(text, new Set([...documents, name]))
    const list = item[name]
    const members = typeof list === 'string' && list !== 'null' ? itemTexts(list) : null
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the boundary: the API answers as its contract says
    return { ...item, [name]: members?.map((member) => readExact(member, documents)) ?? null } as Item
  })
}

function bodyText(body: Question['body']): string | undefined {
  return typeof body === 'object' ? writeExact(body, documents) : body
}

/** Reads an answer's body, documents as their exact text. What the members are is the contract's word. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the route's caller names its contract
export function read<Body>({ status, text }: Pick<Reply, 'status' | 'text'>): Body {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the boundary: the API answers as its contract says
    return readExact(text, documents) as Body
  } catch (error) {
    throw new UnexpectedAnswerError(status, 'it is no JSON', { cause: error })
  }
}

/** A path with its parameters percent-encoded. */
export function pathOf(parts: TemplateStringsArray, ...parameters: readonly (string | number)[]): string {
  return String.raw({ raw: parts }, ...parameters.map((parameter) => encodeURIComponent(parameter)))
}

function queryText(query: object | undefined): string {
  const written = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) written.append(name, String(one))
  }
  return written.size === 0 ? '' : `?${written.toString()}`
}

/** `crypto.randomUUID` is missing in browsers outside of secure contexts. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
