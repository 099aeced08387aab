import { setTimeout as delay } from 'node:timers/promises'
import { isBroken } from './fault.ts'

/** Breaks in a row that bring no byte. */
const mostBreaks = 5
const firstPauseMilliseconds = 100

/** Asks for the object from a byte on: of the one that has been begun, and of no other. */
export type AskFrom = (byte: number, signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>

/**
 * The body of an object that goes on with another request where its connection broke. A backup of many gigabytes is read
 * for longer than a connection may live, and would have to be read from its beginning again.
 */
export function resumedBody(first: ReadableStream<Uint8Array>, askFrom: AskFrom): ReadableStream<Uint8Array> {
  const given = new AbortController()
  let reader = first.getReader()
  let read = 0
  let breaks = 0

  async function next(): ReturnType<typeof reader.read> {
    for (;;) {
      try {
        return await reader.read()
      } catch (thrown) {
        breaks += 1
        if (!isBroken(thrown) || breaks > mostBreaks || given.signal.aborted) throw thrown
      }
      await delay(Math.random() * firstPauseMilliseconds * 2 ** breaks, undefined, { signal: given.signal })
      reader = (await askFrom(read, given.signal)).getReader()
    }
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await next()
        if (chunk.done) {
          controller.close()
          return
        }
        read += chunk.value.byteLength
        breaks = 0
        controller.enqueue(chunk.value)
      },
      async cancel(reason) {
        given.abort(reason)
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
