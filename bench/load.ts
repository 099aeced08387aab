import { Agent, request } from 'node:http'

export interface Sent {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Of an answer that does not end by itself: its first chunk is all that is read, and its connection is closed. */
  readonly takesFirstChunk?: boolean
}

export interface Received {
  readonly status: number
  readonly etag: string | undefined
  readonly serverTiming: string | undefined
  readonly body: string
}

export interface Client {
  send(sent: Sent): Promise<Received>
  close(): void
}

/** A client over connections that are kept; Node's own `fetch` costs twice the CPU time. */
export function openClient(url: string): Client {
  const { hostname, port } = new URL(url)
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  return {
    send: ({ method, path, headers, body, takesFirstChunk = false }) =>
      new Promise((resolve, reject) => {
        const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
        const outgoing = request({ agent, hostname, port, method, path, headers: { ...headers, ...length } })
        outgoing.once('error', reject)
        outgoing.once('response', (answer) => {
          const chunks: Buffer[] = []
          const finish = () => {
            const serverTiming = answer.headers['server-timing']
            resolve({
              status: answer.statusCode ?? 0,
              etag: answer.headers.etag,
              serverTiming: typeof serverTiming === 'string' ? serverTiming : undefined,
              body: Buffer.concat(chunks).toString(),
            })
          }
          answer.on('data', (chunk: Buffer) => {
            chunks.push(chunk)
            if (!takesFirstChunk) return
            finish()
            outgoing.destroy()
          })
          answer.once('error', reject)
          answer.once('end', finish)
        })
        outgoing.end(body)
      }),
    close: () => {
      agent.destroy()
    },
  }
}

/** What a while of load gave. */
export interface Slice {
  readonly requests: number
  readonly seconds: number
  readonly latencies: readonly number[]
  /** Means of the answers' own Server-Timing, in milliseconds; undefined where there is none. */
  readonly databaseMilliseconds: number | undefined
  readonly appMilliseconds: number | undefined
}

/** Sends requests one after the other on each lane until the time is over; an answer that is not 2xx ends it all. */
export async function load(
  client: Client,
  { lanes, seconds }: { readonly lanes: number; readonly seconds: number },
  turn: (client: Client, lane: number) => Promise<Received>,
): Promise<Slice> {
  const startedAt = performance.now()
  const endsAt = startedAt + seconds * 1000
  const latencies: number[] = []
  const timings: string[] = []
  const lane = async (number: number): Promise<void> => {
    while (performance.now() < endsAt) {
      const sentAt = performance.now()
      const { status, body, serverTiming } = await turn(client, number)
      latencies.push(performance.now() - sentAt)
      if (status < 200 || status > 299) throw new Error(`a request of the bench was answered ${status}: ${body}`)
      if (serverTiming !== undefined) timings.push(serverTiming)
    }
  }
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)))
  return {
    requests: latencies.length,
    seconds: (performance.now() - startedAt) / 1000,
    latencies,
    databaseMilliseconds: meanOf(timings, /\bdb;dur=([\d.]+)/),
    appMilliseconds: meanOf(timings, /\bapp;dur=([\d.]+)/),
  }
}

function meanOf(timings: readonly string[], pattern: RegExp): number | undefined {
  if (timings.length === 0) return undefined
  return timings.reduce((sum, timing) => sum + Number(pattern.exec(timing)?.[1] ?? 0), 0) / timings.length
}
