/** What is sent to the receiver of a webhook. */
export interface SignedWebhook {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

interface Message {
  /** The same for each attempt at sending it, so that the receiver knows one that it has. */
  readonly id: string
  readonly body: string
  readonly at: Date
}

const encoder = new TextEncoder()

/**
 * Signs a message as Standard Webhooks say: HMAC-SHA-256 over `id.timestamp.body`.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export async function signWebhook(secret: Uint8Array<ArrayBuffer>, { id, body, at }: Message): Promise<SignedWebhook> {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const signature = await crypto.subtle.sign('HMAC', key, encoder.encode(`${id}.${timestamp}.${body}`))
  return {
    headers: {
      'Content-Type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${btoa(String.fromCharCode(...new Uint8Array(signature)))}`,
    },
    body,
  }
}
