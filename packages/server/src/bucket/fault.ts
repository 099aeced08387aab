import { BucketError, type BackupBucket } from '@millrace/api/backups/bucket'
import { withEachCall } from '@millrace/api/backups/each-call'

/** A bucket whose errors say how to fix them where it is. */
export function withFix(fix: string, bucket: BackupBucket): BackupBucket {
  return withEachCall(bucket, async (work) => {
    try {
      return await work()
    } catch (thrown) {
      throw new BucketError(wordsOf(thrown), fix)
    }
  })
}

/** An error's words, with those of its cause and the system's code, which `fetch` has there: `fetch failed: connect ECONNREFUSED …`. */
export function wordsOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const { message, cause } = thrown
  // Where a host has several addresses, the cause has a code and no message.
  const words = cause instanceof Error && cause.message !== '' ? `${message}: ${cause.message}` : message
  const code = codeOf(thrown)
  return code === undefined || words.includes(code) ? words : `${words} (${code})`
}

const brokenCodes = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** Whether a connection ended in the middle, before a request's answer or within it. */
export function isBroken(thrown: unknown): boolean {
  return brokenCodes.has(codeOf(thrown) ?? '')
}

/** The system's code of an error, or of its cause. */
export function codeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined
  return 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : codeOf(thrown.cause)
}
