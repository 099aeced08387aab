import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface LateProxy {
  readonly port: number
  close(): Promise<void>
}

/** ReadyForQuery without its last byte, the transaction's state. */
const ready = Buffer.from([0x5a, 0, 0, 0, 5])

/**
 * Passes bytes on in both directions, and what PostgreSQL says unasked only behind what its client asks next: as if the two
 * had crossed on their way.
 */
export async function startLateProxy(server: { readonly host: string; readonly port: number }): Promise<LateProxy> {
  const sockets = new Set<Socket>()
  const listener = createServer((client) => {
    const upstream = connect(server)
    let isAsked = true
    let lastBytes = Buffer.alloc(0)
    const held: (() => void)[] = []
    const late = (act: () => void) => {
      if (isAsked) act()
      else held.push(act)
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.setNoDelay(true)
    }
    client.on('data', (bytes) => {
      isAsked = true
      upstream.write(bytes)
      for (const act of held.splice(0)) act()
    })
    client.on('close', () => upstream.destroy())
    upstream.on('data', (bytes) => {
      late(() => client.write(bytes))
      lastBytes = Buffer.concat([lastBytes, bytes]).subarray(-(ready.length + 1))
      if (lastBytes.subarray(0, ready.length).equals(ready)) isAsked = false
    })
    upstream.on('close', () => late(() => client.end()))
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => {
        listener.close(() => resolve())
      })
    },
  }
}
