/** Beyond it a caller who sends on is cut off. */
export const mostDiscardedBytes = 16 * 1024 * 1024
/** For a caller who sends nothing more and does not end either. */
const discardMilliseconds = 5000

/** Reads a body to its end and keeps nothing, within bounds of bytes and time; then the rest is given up. */
export async function discardRest(
  reader: ReadableStreamDefaultReader<unknown>,
  { milliseconds = discardMilliseconds }: { readonly milliseconds?: number } = {},
): Promise<void> {
  // Ends a read that waits, too. The caller may be gone by then, and with them whoever could be told.
  const giveUp = () => reader.cancel().catch(() => undefined)
  const timer = setTimeout(() => void giveUp(), milliseconds)
  try {
    let length = 0
    while (length <= mostDiscardedBytes) {
      const { done, value } = await reader.read()
      if (done) return
      length += lengthOf(value)
    }
  } catch {
    // The caller broke off: the answer has nobody to go to, and is not worse for it.
  } finally {
    clearTimeout(timer)
    await giveUp()
  }
}

function lengthOf(chunk: unknown): number {
  return chunk instanceof Uint8Array ? chunk.length : 0
}

/**
 * Reads what a refusal left of the request's body. Proxies and Node's own server close the connection over an unread body, and
 * the caller then has their error, or none at all, in place of the answer: `wrangler dev` says 500 "Network connection
 * lost".
 */
export async function discardUnread(request: Request): Promise<void> {
  // Not `body` first: on Node it is made for who asks for it.
  if (request.bodyUsed) return
  const { body } = request
  if (body !== null) await discardRest(body.getReader())
}
