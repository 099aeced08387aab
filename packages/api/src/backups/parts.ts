import type { BackupUpload, UploadedPart } from './bucket.ts'
import { BackupFailure, backupFailureOf, ofBucket } from './failure.ts'
import { byCommandLine, mostParts } from './limits.ts'

const mostAttempts = 3

/**
 * Sends bytes to a multipart upload in parts of one size, in constant memory: one part is sent while the next one fills.
 */
export class PartSender {
  readonly #upload: BackupUpload
  readonly #sent: UploadedPart[] = []
  #filling: Uint8Array
  #spare: Uint8Array
  #filled = 0
  #number = 1
  /** The part under way; a failure of it is kept until it is asked for. */
  #sending: Promise<BackupFailure | undefined> = Promise.resolve(undefined)

  constructor(upload: BackupUpload, partBytes: number) {
    this.#upload = upload
    this.#filling = new Uint8Array(partBytes)
    this.#spare = new Uint8Array(partBytes)
  }

  /** @throws BackupFailure `bucket_failed`, of this part or the one before; `too_large` */
  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.byteLength;) {
      const taken = chunk.subarray(at, at + this.#filling.byteLength - this.#filled)
      this.#filling.set(taken, this.#filled)
      this.#filled += taken.byteLength
      at += taken.byteLength
      if (this.#filled === this.#filling.byteLength) await this.#send()
    }
  }

  /** Sends what is left and makes the object of all parts. */
  async complete(): Promise<void> {
    if (this.#filled > 0) await this.#send()
    await this.settle()
    await ofBucket('completing the upload', () => this.#upload.complete([...this.#sent]))
  }

  /** Waits for the part under way. */
  async settle(): Promise<void> {
    const failure = await this.#sending
    if (failure !== undefined) throw failure
  }

  async #send(): Promise<void> {
    await this.settle()
    if (this.#number > mostParts) throw tooManyParts(this.#filling.byteLength)
    const bytes = this.#filling.subarray(0, this.#filled)
    const number = this.#number
    this.#sending = this.#sendPart(number, bytes).then((part) => {
      this.#sent.push(part)
      return undefined
    }, backupFailureOf)
    const { buffer } = this.#spare
    this.#spare = this.#filling
    this.#filling = new Uint8Array(buffer)
    this.#filled = 0
    this.#number += 1
  }

  /** A part sent twice counts once. */
  async #sendPart(number: number, bytes: Uint8Array): Promise<UploadedPart> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await ofBucket(`sending part ${number}`, () => this.#upload.uploadPart(number, bytes))
      } catch (thrown) {
        if (attempt >= mostAttempts) throw thrown
      }
    }
  }
}

function tooManyParts(partBytes: number): BackupFailure {
  return new BackupFailure('too_large', {
    cause: `the archive is longer than ${mostParts} parts of ${partBytes} bytes, the most that one object is made of`,
    fix: byCommandLine,
  })
}
