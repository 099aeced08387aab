import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What becomes of one request: lost before the database sees it, or its answer lost after the database acted. */
export type Loss = 'request' | 'answer'

/** Stands between the drivers and the gateway, and breaks connections on demand. */
export interface LosingProxy {
  readonly url: string
  /** Loses the request or answer of that number, counted from 1 from now on; an answer when what happens `meanwhile` has. */
  loseNext(position: number, loss: Loss, meanwhile?: () => Promise<unknown>): void
  /** Requests since `loseNext`. */
  seen(): number
  close(): Promise<void>
}

export async function startLosingProxy(gatewayUrl: string): Promise<LosingProxy> {
  const upstream = new URL(gatewayUrl)
  let planned:
    | { readonly position: number; readonly loss: Loss; readonly meanwhile?: (() => Promise<unknown>) | undefined }
    | undefined
  let count = 0
  const server = createServer((incoming, outgoing) => {
    count += 1
    const loss = planned?.position === count ? planned.loss : undefined
    if (loss === 'request') incoming.socket.destroy()
    else forward(upstream, incoming, outgoing, loss === 'answer' ? (planned?.meanwhile ?? nothing) : undefined)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    loseNext(position, loss, meanwhile) {
      planned = { position, loss, meanwhile }
      count = 0
    },
    seen: () => count,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => {
          resolve()
        })
      }),
  }
}

const nothing = () => Promise.resolve()

/** @param losing Undefined where the answer comes through; else what happens before it is lost. */
function forward(
  upstream: URL,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  losing: (() => Promise<unknown>) | undefined,
): void {
  const { method, url: path, headers } = incoming
  const sent = request(
    { host: upstream.hostname, port: upstream.port, method, path, headers: { ...headers, host: upstream.host } },
    (answer) => {
      if (losing !== undefined) {
        // Read to its end: the database has acted by then.
        answer.resume().once('end', () => {
          void losing().finally(() => incoming.socket.destroy())
        })
        return
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    },
  )
  sent.once('error', () => incoming.socket.destroy())
  incoming.pipe(sent)
}
