import type { BackupBucket } from './bucket.ts'
import { withEachCall } from './each-call.ts'
import { interrupted } from './failure.ts'

/** The bucket of a run that ends when the signal does: nothing that is under way is waited for any longer. */
export function interruptible(bucket: BackupBucket, signal: AbortSignal): BackupBucket {
  const ending = withEachCall(bucket, (work) => unlessInterrupted(signal, work))
  return {
    ...ending,
    createMultipartUpload: (key, options) => ending.createMultipartUpload(key, { ...options, signal }),
    async get(key) {
      const object = await ending.get(key)
      return object && { ...object, body: object.body.pipeThrough(new TransformStream(), { signal }) }
    },
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
