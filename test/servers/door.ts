import { createServer, request as forward, type Server } from 'node:http'

/** An address that stays, before gateways that come and go. */
export interface Door {
  readonly url: string
  leadTo(port: number | undefined): void
  close(): void
}

/** Passes requests on to the gateway of the moment; with none, it breaks the connection as a dead one would. */
export function openDoor(): Promise<Door> {
  let port: number | undefined
  const server: Server = createServer((request, response) => {
    if (port === undefined) {
      request.socket.destroy()
      return
    }
    const { method, headers, url } = request
    const passed = forward({ host: '127.0.0.1', port, method, headers, path: url }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    passed.on('error', () => request.socket.destroy())
    response.on('close', () => passed.destroy())
    request.pipe(passed)
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('no port')
      resolve({
        url: `http://127.0.0.1:${address.port}`,
        leadTo: (to) => {
          port = to
        },
        close() {
          server.closeAllConnections()
          server.close()
        },
      })
    })
  })
}
