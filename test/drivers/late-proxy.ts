import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface LateProxy {
  readonly port: number
  /** From now on what the server says comes after the client's next bytes, which the server gets then too. */
  holdAnswers(): void
  close(): Promise<void>
}

/** Passes bytes on in both directions, and can let what the server says by itself cross what the client asks. */
export async function startLateProxy(server: { readonly host: string; readonly port: number }): Promise<LateProxy> {
  let isHeld = false
  const sockets = new Set<Socket>()
  const listener = createServer((client) => {
    const upstream = connect(server)
    const held: (() => void)[] = []
    const late = (act: () => void) => {
      if (isHeld) held.push(act)
      else act()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.setNoDelay(true)
    }
    client.on('data', (bytes) => {
      upstream.write(bytes)
      if (held.length === 0) return
      isHeld = false
      for (const act of held.splice(0)) act()
    })
    client.on('close', () => upstream.destroy())
    upstream.on('data', (bytes) => late(() => client.write(bytes)))
    upstream.on('close', () => late(() => client.end()))
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    holdAnswers() {
      isHeld = true
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => {
        listener.close(() => resolve())
      })
    },
  }
}
