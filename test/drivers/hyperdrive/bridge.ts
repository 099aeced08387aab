import { once } from 'node:events'
import { mysql } from '@millrace/db/dialects/mysql/dialect'
import { postgres } from '@millrace/db/dialects/postgres/dialect'
import type { RawResult, Statement } from '@millrace/db/sql/statement'
import type { Connection, TransportLimits, TripObserver } from '@millrace/db/sql/transport'
import { runWorker, type BuiltWorker } from '../../servers/worker.ts'
import { decode, encode, receivedError, type Answered, type Asked } from './messages.ts'

const dialects = { postgres, mysql } as const

interface BridgeOptions {
  readonly dialect: 'postgres' | 'mysql'
  /** As Hyperdrive's local connection string has it. */
  readonly connectionString: string
  readonly timeoutSeconds: number
}

/** The driver as it runs in workerd, behind a Hyperdrive binding of miniflare's. */
export async function connectInWorkerd(built: BuiltWorker, options: BridgeOptions): Promise<Connection> {
  const { dialect, connectionString, timeoutSeconds } = options
  // The functions' own bindings, which the driver has no use of: each start would take a third longer.
  const { assets: _assets, r2Buckets: _r2Buckets, ...own } = built.options
  const worker = runWorker(
    { ...built, options: { ...own, hyperdrives: { DATABASE: connectionString } } },
    { TIMEOUT_SECONDS: String(timeoutSeconds) },
  )
  const url = await worker.ready
  const channels: Channel[] = []
  const channel = (path: string) => {
    const made = new Channel(new URL(path, url))
    channels.push(made)
    return made
  }
  const limits = decode(await (await fetch(new URL('/limits', url))).text()) as TransportLimits
  return {
    dialect: dialects[dialect],
    transport: (observer) => {
      const own = channel('/transport')
      return {
        dialect: dialects[dialect],
        limits,
        run: async (statement) => one(await own.ask({ writes: [], reads: [statement], isAlone: true }, observer)),
        transact: (writes, reads) => own.ask({ writes, reads, isAlone: false }, observer),
      }
    },
    async snapshot() {
      const own = channel('/snapshot')
      await own.opened
      return {
        dialect: dialects[dialect],
        run: async (statement) => one(await own.ask({ writes: [], reads: [statement], isAlone: true })),
        close: async () => {
          await own.ask({ writes: [], reads: [], isAlone: false })
          own.close()
        },
      }
    },
    poolStatus: () => Promise.resolve(undefined),
    async close() {
      for (const each of channels) each.close()
      await worker.dispose()
    },
  }
}

function one([result]: readonly RawResult[]): RawResult {
  if (result === undefined) throw new Error('the driver in workerd gave no result')
  return result
}

/** One request's WebSocket. */
class Channel {
  readonly #url: URL
  readonly #waiting = new Map<number, (answer: Answered) => void>()
  #socket: WebSocket | undefined
  #opening: Promise<WebSocket> | undefined
  #count = 0

  constructor(url: URL) {
    this.#url = url
  }

  /** Opens it where it is not yet. */
  get opened(): Promise<WebSocket> {
    return (this.#opening ??= this.#open())
  }

  async ask(asked: Omit<Asked, 'id'>, observer?: TripObserver): Promise<readonly RawResult[]> {
    const socket = await this.opened
    const id = (this.#count += 1)
    const answer = await new Promise<Answered>((resolve) => {
      this.#waiting.set(id, resolve)
      socket.send(encode({ ...asked, id, writes: asked.writes.map(plainOf), reads: asked.reads.map(plainOf) }))
    })
    for (const { milliseconds, statement, types } of answer.trips) observer?.trip(milliseconds, statement, () => types)
    if ('results' in answer) return answer.results
    throw 'error' in answer ? receivedError(answer.error) : new Error(answer.defect)
  }

  close(): void {
    this.#socket?.close()
  }

  async #open(): Promise<WebSocket> {
    const url = new URL(this.#url)
    url.protocol = 'ws:'
    const socket = new WebSocket(url)
    socket.addEventListener('message', ({ data }) => {
      const answer = decode(String(data)) as Answered
      this.#waiting.get(answer.id)?.(answer)
      this.#waiting.delete(answer.id)
    })
    await once(socket, 'open')
    this.#socket = socket
    return socket
  }
}

function plainOf({ text, parameters, isGate, endsBatch, timeoutSeconds }: Statement): Statement {
  return {
    text,
    parameters,
    ...(isGate === undefined ? {} : { isGate }),
    ...(endsBatch === undefined ? {} : { endsBatch }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
  }
}
