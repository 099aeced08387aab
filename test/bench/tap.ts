import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** Stands before the gateway, and keeps the SQL of what passes. */
export interface Tap {
  readonly url: string
  leadTo(gatewayUrl: string): void
  /** What has passed since it was last asked: a request a text, with ids, times and revisions made alike. */
  take(): readonly string[]
  stop(): Promise<void>
}

export async function startTap(): Promise<Tap> {
  let passed: string[] = []
  let target = ''
  const server = createServer((request, response) => {
    void forward(target, request, response).then((sent) => passed.push(sent))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the tap has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    leadTo(gatewayUrl) {
      target = gatewayUrl
    },
    take() {
      const taken = passed
      passed = []
      return taken
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => {
          resolve()
        })
      }),
  }
}

async function forward(target: string, request: IncomingMessage, response: ServerResponse): Promise<string> {
  const body = await buffer(request)
  const { method = 'POST', url = '/', headers } = request
  const kept = ['content-type', 'authorization', 'neon-connection-string'].filter((name) => name in headers)
  const neon = Object.keys(headers).filter((name) => name.startsWith('neon-'))
  const passedOn = Object.fromEntries([...kept, ...neon].map((name) => [name, String(headers[name])]))
  const answer = await fetch(`${target}${url}`, { method, headers: passedOn, ...(body.length === 0 ? {} : { body }) })
  const answered = Buffer.from(await answer.arrayBuffer())
  response.writeHead(answer.status, { 'Content-Type': answer.headers.get('Content-Type') ?? 'application/json' })
  response.end(answered)
  return alike(body.toString())
}

/** Without what differs between two requests that do the same: a session, ids, times; numbers are text or not. */
function alike(body: string): string {
  return body
    .replace(/"session":\{.*\}(?=\})/, '"session":"…"')
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d{3}Z?/g, '<time>')
    .replaceAll(/"?\b1[5-9]\d{11}\b"?/g, '<time>')
    .replaceAll(/"(\d+)"/g, '$1')
}
