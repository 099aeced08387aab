import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { isSignedBy } from './s3-signature.ts'

interface Stored {
  readonly bytes: Buffer
  readonly headers: Readonly<Record<string, string>>
}

export interface S3Server {
  readonly url: string
  keys(): readonly string[]
  /** Methods of the requests that it leaves without an answer. */
  readonly hanging: readonly string[]
  /** Of what was read of objects: the first byte that was asked for. */
  readonly readsFrom: readonly number[]
  stop(): Promise<void>
}

/** Of the one user, whose key id is `key`. */
const secret = 'hush'

/**
 * As much of S3 as a backup asks, in memory; whatever is not signed is refused.
 * @param hangsOn Methods that it never answers
 * @param losesAnswers Whether it does the first request of each kind and ends the connection without an answer
 * @param breaksAfterBytes How many bytes of an object it gives before it ends the connection
 * @param ignoresRanges Whether it gives whole objects where a part was asked for
 */
export async function startS3(
  hangsOn: readonly string[] = [],
  {
    losesAnswers = false,
    breaksAfterBytes = Number.POSITIVE_INFINITY,
    ignoresRanges = false,
  }: { readonly losesAnswers?: boolean; readonly breaksAfterBytes?: number; readonly ignoresRanges?: boolean } = {},
): Promise<S3Server> {
  const hanging: string[] = []
  const readsFrom: number[] = []
  const done = new Set<string>()
  const objects = new Map<string, Stored>()
  const uploads = new Map<string, { readonly headers: Stored['headers']; readonly parts: Map<number, Buffer> }>()
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '' } = request
    if (hangsOn.includes(method)) {
      hanging.push(method)
      return
    }
    const url = new URL(request.url ?? '/', 'http://s3.local')
    const body = await buffer(request)
    const kind = `${method} ${[...url.searchParams.keys()].join()}`
    const isLost = losesAnswers && !done.has(kind)
    done.add(kind)
    const end = (status: number, text: string | Buffer = '', headers: OutgoingHttpHeaders = {}) => {
      if (isLost) request.socket.destroy()
      else response.writeHead(status, headers).end(text)
    }
    if (request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 Credential=key/') !== true) {
      end(403, '<Error><Code>AccessDenied</Code></Error>')
      return
    }
    if (!isSignedBy(request, secret)) {
      end(403, '<Error><Code>SignatureDoesNotMatch</Code></Error>')
      return
    }
    const key = decodeURIComponent(url.pathname)
    const id = url.searchParams.get('uploadId')
    const upload = id === null ? undefined : uploads.get(id)
    if (request.method === 'POST' && url.searchParams.has('uploads')) {
      const noted = Object.entries(request.headers).filter(([name]) => name.startsWith('x-amz-meta-'))
      uploads.set(key, { headers: Object.fromEntries(noted) as Stored['headers'], parts: new Map() })
      end(200, `<InitiateMultipartUploadResult><UploadId>${key}</UploadId></InitiateMultipartUploadResult>`)
    } else if (id !== null && upload === undefined) end(404, '<Error><Code>NoSuchUpload</Code></Error>')
    else if (request.method === 'PUT' && upload !== undefined) {
      upload.parts.set(Number(url.searchParams.get('partNumber')), body)
      end(200, '', { ETag: `"${url.searchParams.get('partNumber')}"` })
    } else if (request.method === 'POST' && upload !== undefined && id !== null) {
      const parts = [...body.toString().matchAll(/<PartNumber>(\d+)</g)].map(([, number]) => Number(number))
      const bytes = Buffer.concat(parts.map((number) => upload.parts.get(number) ?? Buffer.alloc(0)))
      objects.set(key, { bytes, headers: upload.headers })
      uploads.delete(id)
      end(200, '<CompleteMultipartUploadResult/>')
    } else if (request.method === 'DELETE') {
      if (id === null) objects.delete(key)
      else uploads.delete(id)
      end(204)
    } else if (url.searchParams.get('list-type') === '2') {
      const prefix = `${key}/${url.searchParams.get('prefix') ?? ''}`
      const found = [...objects].filter(([name]) => name.startsWith(prefix))
      const contents = found.map(
        ([name, { bytes }]) =>
          `<Contents><Key>${name.slice(key.length + 1)}</Key><Size>${bytes.byteLength}</Size></Contents>`,
      )
      end(200, `<ListBucketResult>${contents.join('')}</ListBucketResult>`)
    } else {
      const object = objects.get(key)
      if (object === undefined) {
        end(404, request.method === 'HEAD' ? '' : '<Error><Code>NoSuchKey</Code></Error>')
        return
      }
      const etag = `"${createHash('md5').update(object.bytes).digest('hex')}"`
      const headers = { 'Content-Length': object.bytes.byteLength, ETag: etag, ...object.headers }
      if (request.method === 'HEAD') {
        end(200, '', headers)
        return
      }
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
      readsFrom.push(from)
      if ((request.headers['if-match'] ?? etag) !== etag) {
        end(412, '<Error><Code>PreconditionFailed</Code></Error>')
        return
      }
      const isPart = request.headers.range !== undefined && !ignoresRanges
      const given = isPart ? object.bytes.subarray(from) : object.bytes
      const size = object.bytes.byteLength
      const ofPart = { 'Content-Length': size - from, 'Content-Range': `bytes ${from}-${size - 1}/${size}` }
      if (given.byteLength <= breaksAfterBytes) {
        end(isPart ? 206 : 200, given, isPart ? { ...headers, ...ofPart } : headers)
        return
      }
      response.writeHead(isPart ? 206 : 200, isPart ? { ...headers, ...ofPart } : headers)
      response.write(given.subarray(0, breaksAfterBytes), () => request.socket.destroySoon())
    }
  }
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys: () => [...objects.keys()],
    hanging,
    readsFrom,
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
