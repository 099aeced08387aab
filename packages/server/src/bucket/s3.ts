import { AwsClient } from 'aws4fetch'
import type { BackupBucket, BackupUpload, ObjectHead, UploadedPart } from '@millrace/api/backups/bucket'

export interface S3Address {
  readonly bucket: string
  /** Before each key; without a slash at its ends, empty where there is none. */
  readonly prefix: string
  /** Of another service than Amazon's, without a path. */
  readonly endpoint: string | undefined
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | undefined
}

const metadataPrefix = 'x-amz-meta-'

/** Signed requests to one bucket; anything but an answer of success is thrown. */
function openRequests({ bucket, prefix, endpoint, region, accessKeyId, secretAccessKey, sessionToken }: S3Address) {
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    region,
    service: 's3',
    ...(sessionToken === undefined ? {} : { sessionToken }),
  })
  const bucketUrl = `${endpoint ?? `https://s3.${region}.amazonaws.com`}/${bucket}`
  const keyOf = (key: string) => (prefix === '' ? key : `${prefix}/${key}`)
  const urlOf = (key: string, query: string) =>
    `${bucketUrl}/${keyOf(key).split('/').map(encodeURIComponent).join('/')}${query}`
  return {
    keyOf,
    /** A request about the bucket, whose query is given. */
    send: async (query: string) => succeeded(await client.fetch(`${bucketUrl}${query}`)),
    /** A request about one object. */
    sendToObject: async (key: string, init: RequestInit, query = '') =>
      succeeded(await client.fetch(urlOf(key, query), init)),
    /** The same; undefined where the object, or its upload, is not there. */
    sendToObjectIfThere: async (key: string, init: RequestInit, query = ''): Promise<Response | undefined> => {
      const answer = await client.fetch(urlOf(key, query), init)
      if (answer.status !== 404) return succeeded(answer)
      await answer.body?.cancel()
      return undefined
    },
  }
}

async function succeeded(answer: Response): Promise<Response> {
  if (answer.ok) return answer
  throw new Error(`S3 answered ${answer.status} ${memberOf(await answer.text(), 'Code') ?? ''}`.trimEnd())
}

/** S3 and what speaks its protocol, addressed by path. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html */
export function openS3(address: S3Address): BackupBucket {
  const { keyOf, send, sendToObject, sendToObjectIfThere } = openRequests(address)

  function uploadOf(key: string, uploadId: string): BackupUpload {
    const query = `uploadId=${encodeURIComponent(uploadId)}`
    return {
      uploadId,
      async uploadPart(partNumber, bytes) {
        const init = { method: 'PUT', body: new Uint8Array(bytes) }
        const answer = await sendToObject(key, init, `?partNumber=${partNumber}&${query}`)
        return { partNumber, etag: answer.headers.get('ETag') ?? '' }
      },
      async complete(parts: UploadedPart[]) {
        const body = `<CompleteMultipartUpload>${parts.map(partElement).join('')}</CompleteMultipartUpload>`
        const answer = await sendToObject(key, { method: 'POST', body }, `?${query}`)
        const text = await answer.text()
        // It may begin an answer with 200 and find what is wrong later.
        if (text.includes('<Error>')) throw new Error(`S3 answered ${memberOf(text, 'Code') ?? 'an error'}`)
      },
      async abort() {
        await sendToObjectIfThere(key, { method: 'DELETE' }, `?${query}`)
      },
    }
  }

  return {
    async createMultipartUpload(key, { httpMetadata, customMetadata }) {
      const headers = new Headers({ 'Content-Type': httpMetadata.contentType })
      for (const [name, value] of Object.entries(customMetadata)) headers.set(`${metadataPrefix}${name}`, value)
      const text = await (await sendToObject(key, { method: 'POST', headers }, '?uploads=')).text()
      const uploadId = memberOf(text, 'UploadId')
      if (uploadId === undefined) throw new Error('S3 began an upload without an id')
      return uploadOf(key, uploadId)
    },
    resumeMultipartUpload: uploadOf,
    async head(key) {
      const answer = await sendToObjectIfThere(key, { method: 'HEAD' })
      return answer === undefined ? null : headOf(key, answer)
    },
    async get(key) {
      const answer = await sendToObjectIfThere(key, { method: 'GET' })
      if (answer === undefined) return null
      if (answer.body === null) throw new Error('S3 gave an object without a body')
      return { ...headOf(key, answer), body: answer.body }
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
  }
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

/** The text of an element without children, of which there is one. */
function memberOf(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function decoded(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|apos);/g, (_entity, name: string) => entities[name] ?? '')
}
