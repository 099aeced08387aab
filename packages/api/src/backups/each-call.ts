import type { BackupBucket, BackupUpload } from './bucket.ts'

/** How a call of a bucket is made in its stead. */
export type Call = <Result>(work: () => Promise<Result>) => Promise<Result>

/** The bucket with each of its calls, and of its uploads' calls, made so. */
export function withEachCall(bucket: BackupBucket, call: Call): BackupBucket {
  const uploadOf = (upload: BackupUpload): BackupUpload => ({
    uploadId: upload.uploadId,
    uploadPart: (partNumber, bytes) => call(() => upload.uploadPart(partNumber, bytes)),
    complete: (parts) => call(() => upload.complete(parts)),
    abort: () => call(() => upload.abort()),
  })
  return {
    createMultipartUpload: async (key, options) =>
      uploadOf(await call(() => bucket.createMultipartUpload(key, options))),
    resumeMultipartUpload: (key, uploadId) => uploadOf(bucket.resumeMultipartUpload(key, uploadId)),
    get: (key) => call(() => bucket.get(key)),
    head: (key) => call(() => bucket.head(key)),
    list: (options) => call(() => bucket.list(options)),
    delete: (key) => call(() => bucket.delete(key)),
  }
}
