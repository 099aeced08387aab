import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface CuttingProxy {
  readonly port: number
  /**
   * When to end a connection: as the client's next bytes come, as the server's next answer comes, or not at all.
   * @param text which the client's bytes have to hold for that
   */
  cut(when: 'before' | 'after' | 'never', text?: string | Buffer): void
  close(): Promise<void>
}

/** Passes bytes on in both directions, and ends connections where it is told to. */
export async function startCuttingProxy(server: {
  readonly host: string
  readonly port: number
}): Promise<CuttingProxy> {
  let when: 'before' | 'after' | 'never' = 'never'
  let awaited: string | Buffer = ''
  const sockets = new Set<Socket>()
  const listener = createServer((client) => {
    const upstream = connect(server)
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', end)
      socket.setNoDelay(true)
    }
    let isMet = false
    client.on('data', (bytes) => {
      isMet = bytes.includes(awaited)
      if (when === 'before' && isMet) end()
      else upstream.write(bytes)
    })
    upstream.on('data', (bytes) => {
      if (when === 'after' && isMet) end()
      else client.write(bytes)
    })
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    cut(next, text = '') {
      when = next
      awaited = text
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => {
        listener.close(() => resolve())
      })
    },
  }
}
