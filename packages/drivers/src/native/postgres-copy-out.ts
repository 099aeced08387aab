import type { Duplex } from 'node:stream'
import type { Connection, DatabaseError, Submittable } from 'pg'
import type { EncodedPageSize, EncodedRows } from '@millrace/db/sql/encoded-rows'
import { binaryHeader } from './postgres-copy-in.ts'

const copyData = 'd'.charCodeAt(0)
/** What the server may send before the first row and between rows; none of it is pg's to see. */
const skipped = new Set(['H', 'N', 'S', 'A', 'c'].map((letter) => letter.charCodeAt(0)))
/** A message's letter and length. */
const headBytes = 5
/** Of what stands behind the last row: a number of fields of -1. */
const endBytes = 2
/** What a socket gives at once, and some. */
const roomBytes = 128 * 1024
/** Pages' memory that waits for further use. */
const mostFree = 4

type Listener = (chunk: Buffer) => void

/**
 * `copy … to stdout (format binary)`, in pages of whole rows. pg makes an object of each row's message; here the socket's bytes
 * are gathered into pages as they come, and only the messages' lengths are read.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 */
export class CopyOut implements Submittable {
  readonly #text: string
  readonly #ready: EncodedRows[] = []
  #stream: Duplex | undefined
  #own: Listener | undefined
  #pgs: Listener | undefined
  readonly #page: Gathered
  #isEnded = false
  #failure: Error | undefined
  #wake: (() => void) | undefined

  constructor(text: string, size: EncodedPageSize) {
    this.#text = text
    this.#page = new Gathered(size)
  }

  submit(connection: Connection): void {
    const { stream } = connection
    // pg has this one alone, made of its parser.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const [listener] = stream.listeners('data') as Listener[]
    this.#stream = stream
    this.#pgs = listener
    this.#own = (chunk) => this.#gather(chunk)
    if (listener !== undefined) stream.removeListener('data', listener)
    stream.on('data', this.#own)
    connection.query(this.#text)
  }

  /** The rows, once submitted. Whoever stops before the end ends the connection: the server has sent more already. */
  async *pages(): AsyncGenerator<EncodedRows> {
    try {
      for (;;) {
        const page = this.#ready.shift()
        if (page !== undefined) {
          this.#stream?.resume()
          yield page
        } else if (this.#failure !== undefined) throw this.#failure
        else if (this.#isEnded) return
        else await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      if (!this.#isEnded && this.#failure === undefined) this.#stream?.destroy()
    }
  }

  #gather(chunk: Buffer): void {
    const rest = this.#page.take(chunk, (page) => this.#tell(page))
    if (rest !== undefined) this.#handBack(rest)
    // One page waits while another is worked on.
    if (this.#ready.length > 0 && this.#own !== undefined) this.#stream?.pause()
  }

  #tell(page: EncodedRows): void {
    this.#ready.push(page)
    this.#wakeUp()
  }

  #wakeUp(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  /** What follows the rows is for pg: how the statement ended. */
  #handBack(rest: Buffer): void {
    const [stream, own, pgs] = [this.#stream, this.#own, this.#pgs]
    if (stream === undefined || own === undefined || pgs === undefined) return
    this.#own = undefined
    stream.removeListener('data', own)
    stream.on('data', pgs)
    pgs(rest)
  }

  handleCommandComplete(): void {
    return
  }

  handleError(error: DatabaseError | Error): void {
    this.#failure = error
    this.#wakeUp()
  }

  handleReadyForQuery(): void {
    const last = this.#page.cut()
    if (last.rows > 0) this.#ready.push(last)
    this.#isEnded = true
    this.#wakeUp()
  }
}

/** The bytes of a page in the making: whole rows, and behind them what is there of the next one. */
class Gathered {
  readonly #size: EncodedPageSize
  readonly #usualBytes: number
  /** What memory outside of its heap costs the collector is more than to use it again. */
  readonly #free: Buffer[] = []
  #buffer: Buffer
  /** Where the whole rows end, and where the bytes do. */
  #at = 0
  #end = 0
  #rows = 0
  #isBegun = false

  constructor(size: EncodedPageSize) {
    this.#size = size
    this.#usualBytes = size.bytes + roomBytes
    this.#buffer = this.#bufferFor(0)
  }

  /** @returns what follows the rows, once it has come to that */
  take(chunk: Buffer, tell: (page: EncodedRows) => void): Buffer | undefined {
    this.#append(chunk)
    while (this.#end - this.#at >= headBytes) {
      const type = this.#buffer[this.#at] ?? 0
      if (type !== copyData && !skipped.has(type)) return this.#leave()
      const next = this.#at + 1 + this.#buffer.readUInt32BE(this.#at + 1)
      if (next > this.#end) break
      if (type === copyData) this.#passRow(next)
      else this.#drop(this.#at, next)
      if (this.#rows >= this.#size.rows || this.#at >= this.#size.bytes) tell(this.cut())
    }
    return undefined
  }

  /** The page as far as its rows are whole. */
  cut(): EncodedRows {
    const full = this.#buffer
    const release = () => {
      if (this.#free.length < mostFree && full.length === this.#usualBytes) this.#free.push(full)
    }
    const page = { rows: this.#rows, bytes: full.subarray(0, this.#at), release }
    const left = full.subarray(this.#at, this.#end)
    this.#buffer = this.#bufferFor(left.length)
    left.copy(this.#buffer)
    this.#at = this.#rows = 0
    this.#end = left.length
    return page
  }

  #bufferFor(bytes: number): Buffer {
    if (bytes > this.#usualBytes) return Buffer.allocUnsafeSlow(bytes + roomBytes)
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#usualBytes)
  }

  /** Takes the message before `next` into the page. The header comes in one message with the first row, the end in its own. */
  #passRow(next: number): void {
    const content = this.#at + headBytes
    let end = next
    if (!this.#isBegun) {
      this.#isBegun = true
      this.#drop(content, content + binaryHeader.length)
      end -= binaryHeader.length
      this.#buffer.writeUInt32BE(end - this.#at - 1, this.#at + 1)
    }
    if (end - content <= endBytes) return this.#drop(this.#at, end)
    this.#rows += 1
    this.#at = end
  }

  #leave(): Buffer {
    const rest = Buffer.from(this.#buffer.subarray(this.#at, this.#end))
    this.#end = this.#at
    return rest
  }

  #drop(from: number, to: number): void {
    this.#buffer.copyWithin(from, to, this.#end)
    this.#end -= to - from
  }

  #append(chunk: Buffer): void {
    if (this.#end + chunk.length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow((this.#end + chunk.length) * 2)
      this.#buffer.copy(larger, 0, 0, this.#end)
      this.#buffer = larger
    }
    chunk.copy(this.#buffer, this.#end)
    this.#end += chunk.length
  }
}
