import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { vi } from 'vitest'
import { asRecord } from './answers.ts'

export interface Received {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** Whatever sends the mail: it takes what comes, unless it is told to fail or to keep silent. */
export class MailReceiver {
  readonly secret = randomBytes(32)
  readonly received: Received[] = []
  behaviour: 'takes' | 'fails' | 'hangs' = 'takes'
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => void this.#receive(request, response))
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.received.push({ headers: request.headers, body: await text(request) })
    if (this.behaviour !== 'hangs') response.writeHead(this.behaviour === 'takes' ? 204 : 500).end()
  }

  /** Listens; gives the service's variables for it. */
  async start(): Promise<{ readonly MAIL_WEBHOOK_URL: string; readonly MAIL_WEBHOOK_SECRET: string }> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve)
    })
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the receiver has no port')
    return {
      MAIL_WEBHOOK_URL: `http://127.0.0.1:${address.port}/hook`,
      MAIL_WEBHOOK_SECRET: `whsec_${this.secret.toString('base64')}`,
    }
  }

  async next(): Promise<Received> {
    const [first] = await vi.waitUntil(() => (this.received.length > 0 ? this.received : undefined), { timeout: 5000 })
    if (first === undefined) throw new Error('nothing was received')
    return first
  }

  /** The newest token for an address, once it has come. */
  async tokenOf(email: string): Promise<string> {
    const find = () => this.received.map(dataOf).findLast((data) => data['email'] === email)
    return String((await vi.waitUntil(find, { timeout: 20_000 }))['token'])
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

export const dataOf = ({ body }: Received) => asRecord(asRecord(JSON.parse(body))['data'])
