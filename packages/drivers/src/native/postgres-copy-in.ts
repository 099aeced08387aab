import type { Connection, DatabaseError, Submittable } from 'pg'
import type { EncodedRows } from '@millrace/db/sql/encoded-rows'

/** A message of the protocol: a letter, and the length of what follows the letter. */
function messageOf(type: 'd' | 'c', content: Uint8Array): Buffer {
  const message = Buffer.alloc(5 + content.length)
  message.write(type, 'latin1')
  message.writeUInt32BE(4 + content.length, 1)
  message.set(content, 5)
  return message
}

/** Signature, flags, and the length of an extension that there is not. */
export const binaryHeader = Buffer.from('PGCOPY\n\u00ff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')

const head = messageOf('d', binaryHeader)
/** -1 in the place of a row's number of fields, then CopyDone. */
const tail = Buffer.concat([messageOf('d', Buffer.of(0xff, 0xff)), messageOf('c', Buffer.alloc(0))])

/**
 * `copy … from stdin (format binary)` of rows as they came from another server, with whatever statements follow it in the text.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 */
export class CopyIn implements Submittable {
  readonly done: Promise<void>
  readonly #text: string
  readonly #rows: EncodedRows
  readonly #outcome = Promise.withResolvers<void>()

  constructor(text: string, rows: EncodedRows) {
    this.#text = text
    this.#rows = rows
    this.done = this.#outcome.promise
  }

  submit(connection: Connection): void {
    connection.query(this.#text)
  }

  handleCopyInResponse({ stream }: Connection): void {
    stream.cork()
    stream.write(head)
    stream.write(this.#rows.bytes)
    stream.write(tail)
    stream.uncork()
  }

  /** Of the copy, and of each statement behind it. */
  handleCommandComplete(): void {
    return
  }

  handleError(error: DatabaseError | Error): void {
    this.#outcome.reject(error)
  }

  handleReadyForQuery(): void {
    this.#outcome.resolve()
  }
}
