import type {
  BackupBucket,
  BackupUpload,
  ObjectHead,
  ObjectPage,
  StoredObject,
  UploadedPart,
} from '@millrace/api/backups/bucket'

/** What happens to one call: it fails and does nothing, or it is done and nobody ever hears of it. */
export interface Fault {
  /** Which call from now on, from 0. */
  readonly call: number
  readonly kind: 'fail' | 'kill'
}

interface Upload {
  readonly key: string
  readonly parts: Map<number, Uint8Array>
  readonly customMetadata: Record<string, string>
}

interface Stored {
  readonly bytes: Uint8Array
  readonly customMetadata: Record<string, string>
}

/** R2's rules for what a backup asks of it, in memory, with one fault at a time. */
export class MemoryBucket implements BackupBucket {
  readonly objects = new Map<string, Stored>()
  readonly uploads = new Map<string, Upload>()
  /** Names of the calls since the last `plan`. */
  calls: string[] = []
  /** Resolves when the planned kill has happened. */
  killed: Promise<void> = new Promise(() => undefined)
  #fault: Fault | undefined
  #onKill: () => void = () => undefined
  #count = 0

  plan(fault: Fault | undefined): void {
    this.calls = []
    this.#fault = fault
    this.killed = new Promise((resolve) => {
      this.#onKill = resolve
    })
  }

  async createMultipartUpload(key: string, { customMetadata }: { customMetadata: Record<string, string> }) {
    return this.#called('createMultipartUpload', () => {
      this.#count += 1
      const id = `upload-${this.#count}`
      this.uploads.set(id, { key, parts: new Map(), customMetadata })
      return this.resumeMultipartUpload(key, id)
    })
  }

  resumeMultipartUpload(key: string, uploadId: string): BackupUpload {
    const found = (): Upload => {
      const upload = this.uploads.get(uploadId)
      if (upload === undefined || upload.key !== key) {
        throw new Error('The specified multipart upload does not exist. (10024)')
      }
      return upload
    }
    return {
      uploadId,
      uploadPart: (partNumber, bytes) =>
        this.#called('uploadPart', () => {
          found().parts.set(partNumber, bytes.slice())
          return { partNumber, etag: `etag-${partNumber}` }
        }),
      complete: (parts) => this.#called('complete', () => this.#complete(uploadId, found(), parts)),
      abort: () =>
        this.#called('abort', () => {
          found()
          this.uploads.delete(uploadId)
        }),
    }
  }

  get(key: string): Promise<StoredObject | null> {
    return this.#called('get', () => {
      const stored = this.objects.get(key)
      if (stored === undefined) return null
      return { ...headOf(key, stored), body: new Blob([stored.bytes.slice()]).stream() }
    })
  }

  head(key: string): Promise<ObjectHead | null> {
    return this.#called('head', () => {
      const stored = this.objects.get(key)
      return stored === undefined ? null : headOf(key, stored)
    })
  }

  /** Two a page, so that pages are met. */
  list({ prefix, cursor = '' }: { readonly prefix: string; readonly cursor?: string }): Promise<ObjectPage> {
    return this.#called('list', () => {
      const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > cursor).toSorted()
      const page = keys.slice(0, 2)
      const objects = page.map((key) => ({ key, size: this.objects.get(key)?.bytes.byteLength ?? 0 }))
      const last = page.at(-1)
      return keys.length > 2 && last !== undefined
        ? { objects, truncated: true, cursor: last }
        : { objects, truncated: false }
    })
  }

  delete(key: string): Promise<void> {
    return this.#called('delete', () => {
      this.objects.delete(key)
    })
  }

  #complete(id: string, { key, parts, customMetadata }: Upload, told: readonly UploadedPart[]): void {
    const pieces = told.map(({ partNumber }) => parts.get(partNumber))
    const sizes = new Set(pieces.slice(0, -1).map((piece) => piece?.byteLength))
    if (pieces.includes(undefined) || sizes.size > 1)
      throw new Error('All non-trailing parts must have the same length.')
    this.objects.set(key, { bytes: Buffer.concat(pieces.flatMap((piece) => piece ?? [])), customMetadata })
    this.uploads.delete(id)
  }

  async #called<Result>(name: string, act: () => Result): Promise<Result> {
    const isFaulty = this.#fault?.call === this.calls.length
    this.calls.push(name)
    await Promise.resolve()
    if (isFaulty && this.#fault?.kind === 'fail') throw new Error('injected: internal error (10001)')
    const result = act()
    if (!isFaulty) return result
    this.#onKill()
    return new Promise<Result>(() => undefined)
  }
}

function headOf(key: string, { bytes, customMetadata }: Stored): ObjectHead {
  return { key, size: bytes.byteLength, customMetadata }
}
