import { parseDatabaseUrl, type HyperdriveBinding } from '@millrace/db/url'
import { DatabaseError } from '@millrace/db/sql/errors'
import { connectHttp } from '@millrace/drivers/open'
import type { RawResult } from '@millrace/db/sql/statement'
import type { Connection, Transport } from '@millrace/db/sql/transport'
import { decode, encode, sentError, type Answered, type Asked, type Trip } from './messages.ts'

/* The driver in workerd, for the conformance suite: a WebSocket is a request, with a transport or a snapshot of its own. */

interface Environment {
  readonly DATABASE: HyperdriveBinding
  readonly TIMEOUT_SECONDS: string
}

interface Socket {
  accept(): void
  send(text: string): void
  addEventListener(type: 'message', listener: (event: { readonly data: string }) => void): void
}
declare const WebSocketPair: new () => { readonly 0: Socket; readonly 1: Socket }

/** Once for the isolate, as the functions have it. */
let connection: Connection | undefined

function connected({ DATABASE, TIMEOUT_SECONDS }: Environment): Promise<Connection> {
  const parsed = parseDatabaseUrl('hyperdrive://DATABASE', { hyperdrive: () => DATABASE })
  if (!parsed.ok) throw new Error(`${parsed.error.what} ${parsed.error.why}`)
  return connectHttp({ target: parsed.target, timeoutSeconds: Number(TIMEOUT_SECONDS) })
}

type Act = (asked: Asked) => Promise<readonly RawResult[]>

async function ofTransport(transport: Transport, { writes, reads: [first, ...others], isAlone }: Asked) {
  if (isAlone && first !== undefined) return [await transport.run(first)]
  return transport.transact(writes, first === undefined ? [] : [first, ...others])
}

async function answerTo(asked: Asked, act: Act, trips: readonly Trip[]): Promise<Answered> {
  const { id } = asked
  try {
    return { id, results: await act(asked), trips }
  } catch (thrown) {
    if (thrown instanceof DatabaseError) return { id, error: sentError(thrown), trips }
    return { id, defect: String(thrown), trips }
  }
}

export default {
  async fetch(request: Request, environment: Environment): Promise<Response> {
    connection ??= await connected(environment)
    const { pathname } = new URL(request.url)
    if (pathname === '/limits') return new Response(encode(connection.transport().limits))
    const trips: Trip[] = []
    const trip = (milliseconds: number, statement: string, types: () => readonly string[]) => {
      trips.push({ milliseconds, statement, types: types() })
    }
    const { 0: client, 1: server } = new WebSocketPair()
    let act: Act
    if (pathname === '/snapshot') {
      const snapshot = await connection.snapshot()
      act = async ({ reads: [statement] }) => {
        if (statement !== undefined) return [await snapshot.run(statement)]
        await snapshot.close()
        return []
      }
    } else {
      const transport = connection.transport({ trip })
      act = (asked) => ofTransport(transport, asked)
    }
    const reply = async (asked: Asked): Promise<void> => {
      server.send(encode(await answerTo(asked, act, trips)))
      trips.length = 0
    }
    server.accept()
    server.addEventListener('message', ({ data }) => {
      // What the test has sent, as messages.ts says.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      const asked = decode(data) as Asked
      void reply(asked)
    })
    return new Response(null, { status: 101, webSocket: client } as ResponseInit)
  },
}
