import { setTimeout as delay } from 'node:timers/promises'
import { AwsClient } from 'aws4fetch'
import { isBroken } from './fault.ts'
import { memberOf } from './xml.ts'

export interface S3Address {
  readonly bucket: string
  /** Before each key; without a slash at its ends, empty where there is none. */
  readonly prefix: string
  /** Of another service than Amazon's, without a path. */
  readonly endpoint: string | undefined
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | undefined
  /** How long it may take to answer, and to give or take the next bytes of a body: 60 when absent. */
  readonly patienceSeconds?: number
}

/** What a request is about. */
interface Asked {
  readonly method: 'DELETE' | 'GET' | 'HEAD' | 'POST' | 'PUT'
  readonly headers?: Headers
  readonly body?: Uint8Array
  readonly signal?: AbortSignal | undefined
  /** How long the answer may take where that is more than for others. */
  readonly patienceSeconds?: number
}

/** What S3 asks for more time with is asked again, as its own clients do: 503 SlowDown among them. */
const mostAttempts = 8
const firstPauseMilliseconds = 100
const defaultPatienceSeconds = 60
/** What goes over the network between two looks at the clock. */
const sliceBytes = 64 * 1024

/** Signed requests to one bucket; anything but an answer of success is thrown, and what hangs is given up. */
export function openRequests(address: S3Address) {
  const { bucket, prefix, endpoint, region, accessKeyId, secretAccessKey, sessionToken } = address
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    region,
    service: 's3',
    ...(sessionToken === undefined ? {} : { sessionToken }),
  })
  const bucketUrl = `${endpoint ?? `https://s3.${region}.amazonaws.com`}/${bucket}`
  const keyOf = (key: string) => (prefix === '' ? key : `${prefix}/${key}`)
  const urlOf = (key: string, query: string) =>
    `${bucketUrl}/${keyOf(key).split('/').map(encodeURIComponent).join('/')}${query}`
  const ask = async (url: string, asked: Asked): Promise<Response> => {
    const patienceSeconds = asked.patienceSeconds ?? address.patienceSeconds ?? defaultPatienceSeconds
    for (let attempt = 1; ; attempt += 1) {
      const isLast = attempt === mostAttempts
      const answer = await askOnce(client, url, asked, patienceSeconds).catch((thrown: unknown) => {
        // What a connection that broke has left without an answer is asked again, whether or not it was done.
        if (isLast || !isBroken(thrown)) throw thrown
      })
      if (answer !== undefined && (isLast || (answer.status < 500 && answer.status !== 429))) return answer
      await answer?.body?.cancel()
      await delay(Math.random() * firstPauseMilliseconds * 2 ** attempt, undefined, { signal: asked.signal })
    }
  }
  return {
    keyOf,
    /** A request about the bucket, whose query is given. */
    send: async (query: string) => succeeded(await ask(`${bucketUrl}${query}`, { method: 'GET' })),
    /** A request about one object. */
    sendToObject: async (key: string, asked: Asked, query = '') => succeeded(await ask(urlOf(key, query), asked)),
    /** The same; undefined where the object, or its upload, is not there. */
    sendToObjectIfThere: async (key: string, asked: Asked, query = ''): Promise<Response | undefined> => {
      const answer = await ask(urlOf(key, query), asked)
      if (answer.status !== 404) return succeeded(answer)
      await answer.body?.cancel()
      return undefined
    },
  }
}

async function succeeded(answer: Response): Promise<Response> {
  if (answer.ok) return answer
  throw new Error(`S3 answered ${answer.status} ${memberOf(await answer.text(), 'Code') ?? ''}`.trimEnd())
}

async function askOnce(client: AwsClient, url: string, asked: Asked, seconds: number): Promise<Response> {
  const { method, headers = new Headers(), body, signal } = asked
  const limit = new IdleLimit(seconds, signal)
  if (body !== undefined) headers.set('Content-Length', String(body.byteLength))
  const { url: signedUrl, headers: signedHeaders } = await client.sign(url, { method, headers })
  limit.begin()
  try {
    const answer = await fetch(signedUrl, {
      method,
      headers: signedHeaders,
      signal: limit.signal,
      ...(body === undefined ? {} : { body: slicesOf(body, limit), duplex: 'half' as const }),
    })
    if (answer.body === null) return answer
    const { status, headers: answered } = answer
    return new Response(within(limit, answer.body), { status, headers: answered })
  } finally {
    limit.end()
  }
}

/** Ends a request that has stood still for too long: a large body may take as long as it moves. */
class IdleLimit {
  readonly signal: AbortSignal
  readonly #controller = new AbortController()
  readonly #seconds: number
  #timer: NodeJS.Timeout | undefined

  constructor(seconds: number, signal: AbortSignal | undefined) {
    this.#seconds = seconds
    const own = this.#controller.signal
    this.signal = signal === undefined ? own : AbortSignal.any([own, signal])
  }

  /** Begins anew. */
  begin(): void {
    this.end()
    this.#timer = setTimeout(() => {
      this.#controller.abort(new Error(`S3 has not answered for ${this.#seconds} s (ETIMEDOUT)`))
    }, this.#seconds * 1000)
  }

  end(): void {
    clearTimeout(this.#timer)
  }
}

/** A body as a stream, so that it is seen how far it got. */
function slicesOf(bytes: Uint8Array, limit: IdleLimit): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        limit.begin()
        // Copies, since the part's memory is filled anew as soon as the request was given up.
        if (at < bytes.byteLength) controller.enqueue(bytes.slice(at, at + sliceBytes))
        at += sliceBytes
        if (at >= bytes.byteLength) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

/** What is not read, since its reader is slow, counts for nothing. */
function within(limit: IdleLimit, body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        limit.begin()
        try {
          const next = await reader.read()
          if (next.done) controller.close()
          else controller.enqueue(next.value)
        } finally {
          limit.end()
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
