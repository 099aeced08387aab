import type { BackupBucket, BackupUpload } from './bucket.ts'
import { interrupted } from './failure.ts'

/** The bucket of a run that ends when the signal does: nothing that is under way is waited for any longer. */
export function interruptible(bucket: BackupBucket, signal: AbortSignal): BackupBucket {
  const uploadOf = (upload: BackupUpload): BackupUpload => ({
    uploadId: upload.uploadId,
    uploadPart: (partNumber, bytes) => unlessInterrupted(signal, () => upload.uploadPart(partNumber, bytes)),
    complete: (parts) => unlessInterrupted(signal, () => upload.complete(parts)),
    abort: () => unlessInterrupted(signal, () => upload.abort()),
  })
  return {
    createMultipartUpload: async (key, options) =>
      uploadOf(await unlessInterrupted(signal, () => bucket.createMultipartUpload(key, { ...options, signal }))),
    resumeMultipartUpload: (key, uploadId) => uploadOf(bucket.resumeMultipartUpload(key, uploadId)),
    async get(key) {
      const object = await unlessInterrupted(signal, () => bucket.get(key))
      return object && { ...object, body: object.body.pipeThrough(new TransformStream(), { signal }) }
    },
    head: (key) => unlessInterrupted(signal, () => bucket.head(key)),
    list: (options) => unlessInterrupted(signal, () => bucket.list(options)),
    delete: (key) => unlessInterrupted(signal, () => bucket.delete(key)),
  }
}

function unlessInterrupted<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  if (signal.aborted) return Promise.reject(interrupted())
  return new Promise((resolve, reject) => {
    const end = () => reject(interrupted())
    signal.addEventListener('abort', end, { once: true })
    void work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', end))
  })
}
