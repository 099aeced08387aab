import type { IncomingMessage } from 'node:http'

export type Body =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'not_utf8' }

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A refused body is still read, and dropped, up to this many times the limit: only then can every client see the refusal. */
const dropFactor = 4

/** Reads a request's body, keeping at most `maxBytes`. Throws when the client goes away. */
export async function receiveBody(request: IncomingMessage, maxBytes: number): Promise<Body> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    if (bytes <= maxBytes) chunks.push(chunk)
    else chunks.length = 0
    if (bytes > maxBytes * dropFactor) break
  }
  if (bytes > maxBytes) return { kind: 'too_large' }
  try {
    return { kind: 'text', text: utf8.decode(Buffer.concat(chunks, bytes)) }
  } catch {
    return { kind: 'not_utf8' }
  }
}
