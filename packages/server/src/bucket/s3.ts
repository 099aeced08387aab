import type { BackupBucket, BackupUpload, ObjectHead, UploadedPart } from '@millrace/api/backups/bucket'
import { withFix } from './fault.ts'
import { openRequests, type S3Address } from './requests.ts'
import { type AskFrom, resumedBody } from './resumed-body.ts'
import { memberOf } from './xml.ts'

const metadataPrefix = 'x-amz-meta-'
/** Making an object of thousands of parts takes minutes. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
const completionSeconds = 300

const fix =
  'Check that the bucket of BACKUP_TO can be reached, and the keys and their rights; the next run tries again.'

type UploadOf = (key: string, uploadId: string, signal?: AbortSignal) => BackupUpload

function uploadsBy({ sendToObject, sendToObjectIfThere }: ReturnType<typeof openRequests>): UploadOf {
  /** No upload is there any more after one whose answer was lost: it has become the object. */
  async function refuseUnlessMade(key: string, signal: AbortSignal | undefined): Promise<void> {
    const made = await sendToObjectIfThere(key, { method: 'HEAD', signal })
    if (made === undefined) throw new Error('S3 answered 404 NoSuchUpload')
    await made.body?.cancel()
  }
  return (key, uploadId, signal) => {
    const query = `uploadId=${encodeURIComponent(uploadId)}`
    return {
      uploadId,
      async uploadPart(partNumber, bytes) {
        const asked = { method: 'PUT', body: bytes, signal } as const
        const answer = await sendToObject(key, asked, `?partNumber=${partNumber}&${query}`)
        await answer.body?.cancel()
        return { partNumber, etag: answer.headers.get('ETag') ?? '' }
      },
      async complete(parts: UploadedPart[]) {
        const list = `<CompleteMultipartUpload>${parts.map(partElement).join('')}</CompleteMultipartUpload>`
        const body = new TextEncoder().encode(list)
        const asked = { method: 'POST', body, signal, patienceSeconds: completionSeconds } as const
        const answer = await sendToObjectIfThere(key, asked, `?${query}`)
        if (answer === undefined) return refuseUnlessMade(key, signal)
        const text = await answer.text()
        // It may begin an answer with 200 and find what is wrong later.
        if (text.includes('<Error>')) throw new Error(`S3 answered ${memberOf(text, 'Code') ?? 'an error'}`)
      },
      async abort() {
        await sendToObjectIfThere(key, { method: 'DELETE' }, `?${query}`)
      },
    }
  }
}

/** S3 and what speaks its protocol, addressed by path. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html */
export function openS3(address: S3Address): BackupBucket {
  const requests = openRequests(address)
  const { keyOf, send, sendToObject, sendToObjectIfThere } = requests
  const uploadOf = uploadsBy(requests)
  /** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
  const restOf =
    (key: string, etag: string): AskFrom =>
    async (byte, signal) => {
      const headers = new Headers({ Range: `bytes=${byte}-`, 'If-Match': etag })
      const answer = await sendToObject(key, { method: 'GET', headers, signal })
      const { status, body } = answer
      const begins = answer.headers.get('Content-Range')?.startsWith(`bytes ${byte}-`) === true
      if (body !== null && status === 206 && begins) return body
      await body?.cancel()
      throw new Error(`S3 answered ${status} and does not go on from byte ${byte}, where the connection broke`)
    }

  return withFix(fix, {
    async createMultipartUpload(key, { httpMetadata, customMetadata, signal }) {
      const headers = new Headers({ 'Content-Type': httpMetadata.contentType })
      for (const [name, value] of Object.entries(customMetadata)) headers.set(`${metadataPrefix}${name}`, value)
      const text = await (await sendToObject(key, { method: 'POST', headers, signal }, '?uploads=')).text()
      const uploadId = memberOf(text, 'UploadId')
      if (uploadId === undefined) throw new Error('S3 began an upload without an id')
      return uploadOf(key, uploadId, signal)
    },
    resumeMultipartUpload: (key, uploadId) => uploadOf(key, uploadId),
    async head(key) {
      const answer = await sendToObjectIfThere(key, { method: 'HEAD' })
      return answer === undefined ? null : headOf(key, answer)
    },
    async get(key) {
      const answer = await sendToObjectIfThere(key, { method: 'GET' })
      if (answer === undefined) return null
      if (answer.body === null) throw new Error('S3 gave an object without a body')
      const etag = answer.headers.get('ETag')
      // Without one it can't be told whether what goes on is the same object.
      const body = etag === null ? answer.body : resumedBody(answer.body, restOf(key, etag))
      return { ...headOf(key, answer), body }
    },
    async list({ prefix: wanted, cursor }) {
      const query = new URLSearchParams({ 'list-type': '2', prefix: keyOf(wanted) })
      if (cursor !== undefined) query.set('continuation-token', cursor)
      const text = await (await send(`?${query.toString()}`)).text()
      const next = memberOf(text, 'NextContinuationToken')
      const objects = [...text.matchAll(/<Contents>(.*?)<\/Contents>/gs)].map(([, inside = '']) => ({
        key: withoutPrefix(decoded(memberOf(inside, 'Key') ?? ''), address.prefix),
        size: Number(memberOf(inside, 'Size') ?? 0),
      }))
      return { objects, truncated: next !== undefined, ...(next === undefined ? {} : { cursor: next }) }
    },
    async delete(key) {
      await sendToObjectIfThere(key, { method: 'DELETE' })
    },
  })
}

function partElement({ partNumber, etag }: UploadedPart): string {
  return `<Part><PartNumber>${partNumber}</PartNumber><ETag>${etag}</ETag></Part>`
}

function headOf(key: string, { headers }: Response): ObjectHead {
  return { key, size: Number(headers.get('Content-Length') ?? 0), customMetadata: metadataOf(headers) }
}

function metadataOf(headers: Headers): Record<string, string> {
  const own = [...headers].filter(([name]) => name.startsWith(metadataPrefix))
  return Object.fromEntries(own.map(([name, value]) => [name.slice(metadataPrefix.length), value]))
}

function withoutPrefix(key: string, prefix: string): string {
  return prefix === '' ? key : key.slice(prefix.length + 1)
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function decoded(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|apos);/g, (_entity, name: string) => entities[name] ?? '')
}
