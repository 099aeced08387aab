import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

/** Whatever sends the mail: it keeps the token of the newest. */
export interface Postbox {
  readonly settings: { readonly MAIL_WEBHOOK_URL: string; readonly MAIL_WEBHOOK_SECRET: string }
  /** @throws where none has come */
  newestToken(): string
  close(): Promise<void>
}

export async function openPostbox(): Promise<Postbox> {
  let newest: string | undefined
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { data } = JSON.parse(await text(request)) as { readonly data: { readonly token: string } }
    newest = data.token
    response.writeHead(204).end()
  }
  const server = createServer((request, response) => void take(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the postbox listens on no port')
  return {
    settings: {
      MAIL_WEBHOOK_URL: `http://127.0.0.1:${address.port}/mail`,
      MAIL_WEBHOOK_SECRET: `whsec_${randomBytes(32).toString('base64')}`,
    },
    newestToken() {
      if (newest === undefined) throw new Error('nothing was mailed')
      return newest
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
