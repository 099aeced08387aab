import { BucketError, type BackupBucket, type BackupUpload } from '@millrace/api/backups/bucket'

/** A bucket whose errors say how to fix them where it is. */
export function withFix(fix: string, bucket: BackupBucket): BackupBucket {
  const told = async <Result>(work: Promise<Result>): Promise<Result> => {
    try {
      return await work
    } catch (thrown) {
      throw new BucketError(wordsOf(thrown), fix)
    }
  }
  const toldUpload = (upload: BackupUpload): BackupUpload => ({
    uploadId: upload.uploadId,
    uploadPart: (partNumber, bytes) => told(upload.uploadPart(partNumber, bytes)),
    complete: (parts) => told(upload.complete(parts)),
    abort: () => told(upload.abort()),
  })
  return {
    createMultipartUpload: async (key, options) => toldUpload(await told(bucket.createMultipartUpload(key, options))),
    resumeMultipartUpload: (key, uploadId) => toldUpload(bucket.resumeMultipartUpload(key, uploadId)),
    get: (key) => told(bucket.get(key)),
    head: (key) => told(bucket.head(key)),
    list: (options) => told(bucket.list(options)),
    delete: (key) => told(bucket.delete(key)),
  }
}

/** An error's words, with those of its cause and the system's code, which `fetch` has there: `fetch failed: connect ECONNREFUSED …`. */
export function wordsOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const { message, cause } = thrown
  // Where a host has several addresses, the cause has a code and no message.
  const words = cause instanceof Error && cause.message !== '' ? `${message}: ${cause.message}` : message
  const code = codeOf(thrown) ?? codeOf(cause)
  return code === undefined || words.includes(code) ? words : `${words} (${code})`
}

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined
}
