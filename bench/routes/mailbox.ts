import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

/** Takes what the service would have mailed. */
export interface Mailbox {
  readonly variables: { readonly MAIL_WEBHOOK_URL: string; readonly MAIL_WEBHOOK_SECRET: string }
  /** The next token that is mailed to the address, or has been. */
  tokenFor(email: string): Promise<string>
  stop(): Promise<void>
}

export async function openMailbox(): Promise<Mailbox> {
  const tokens = new Map<string, string>()
  const waiting = new Map<string, (token: string) => void>()
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { data } = JSON.parse(await text(request)) as { readonly data: { email: string; token: string } }
    tokens.set(data.email, data.token)
    waiting.get(data.email)?.(data.token)
    response.writeHead(204).end()
  }
  const server = createServer((request, response) => void take(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the mailbox has no port')
  return {
    variables: {
      MAIL_WEBHOOK_URL: `http://127.0.0.1:${address.port}/mail`,
      MAIL_WEBHOOK_SECRET: `whsec_${randomBytes(32).toString('base64')}`,
    },
    tokenFor(email) {
      const known = tokens.get(email)
      if (known !== undefined) return Promise.resolve(known)
      return new Promise((resolve) => waiting.set(email, resolve))
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
