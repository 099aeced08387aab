/** What a backup asks of its bucket: the part of R2's binding that it uses. https://developers.cloudflare.com/r2/api/workers */
export interface BackupBucket {
  createMultipartUpload(key: string, options: UploadOptions): Promise<BackupUpload>
  resumeMultipartUpload(key: string, uploadId: string): BackupUpload
  get(key: string): Promise<StoredObject | null>
  head(key: string): Promise<ObjectHead | null>
  list(options: { readonly prefix: string; readonly cursor?: string }): Promise<ObjectPage>
  delete(key: string): Promise<void>
}

/** What failed in a bucket, and how to fix it there; an error of another kind is R2's. */
export class BucketError extends Error {
  override readonly name = 'BucketError'
  readonly fix: string

  constructor(message: string, fix: string) {
    super(message)
    this.fix = fix
  }
}

export interface UploadOptions {
  readonly httpMetadata: { readonly contentType: string }
  readonly customMetadata: Record<string, string>
  /** Ends what is being sent of the upload; R2 has no such thing. */
  readonly signal?: AbortSignal
}

export interface BackupUpload {
  readonly uploadId: string
  /** Parts count from 1; all but the last are of one size, 5 MiB or more. */
  uploadPart(partNumber: number, bytes: Uint8Array): Promise<UploadedPart>
  complete(parts: UploadedPart[]): Promise<unknown>
  abort(): Promise<void>
}

export interface UploadedPart {
  readonly partNumber: number
  readonly etag: string
}

export interface ObjectHead {
  readonly key: string
  readonly size: number
  readonly customMetadata?: Record<string, string> | undefined
}

export interface StoredObject extends ObjectHead {
  readonly body: ReadableStream<Uint8Array>
}

export interface ObjectPage {
  readonly objects: readonly ObjectHead[]
  readonly truncated: boolean
  readonly cursor?: string
}
