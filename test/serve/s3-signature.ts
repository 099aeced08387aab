import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/**
 * Whether a request is signed as S3 demands, made of the specification and not of a client
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html): over what has arrived, with the host, the
 * moment and each `x-amz-` header among the signed ones.
 */
export function isSignedBy({ method = '', url = '/', headers }: IncomingMessage, secret: string): boolean {
  const found = authorization.exec(headers.authorization ?? '')?.groups
  if (found === undefined) return false
  const { date = '', region = '', names = '', signature = '' } = found
  const signed = names.split(';')
  const demanded = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))]
  const moment = String(headers['x-amz-date'])
  if (!moment.startsWith(date) || demanded.some((name) => !signed.includes(name))) return false
  const { pathname, searchParams } = new URL(url, 'http://s3.local')
  const request = [
    method,
    pathname.split('/').map(decodeURIComponent).map(encoded).join('/'),
    [...searchParams]
      .map((pair) => pair.map(encoded).join('='))
      .toSorted()
      .join('&'),
    ...signed.map((name) => `${name}:${String(headers[name]).trim().replaceAll(/ +/g, ' ')}`),
    '',
    names,
    String(headers['x-amz-content-sha256']),
  ].join('\n')
  const scope = `${date}/${region}/s3/aws4_request`
  const text = ['AWS4-HMAC-SHA256', moment, scope, createHash('sha256').update(request).digest('hex')].join('\n')
  const key = scope.split('/').reduce((one: Buffer | string, part) => hmac(one, part), `AWS4${secret}`)
  return hmac(key, text).toString('hex') === signature
}

const authorization =
  /^AWS4-HMAC-SHA256 Credential=[^/]+\/(?<date>\d{8})\/(?<region>[^/]+)\/s3\/aws4_request, ?SignedHeaders=(?<names>[^,]+), ?Signature=(?<signature>[0-9a-f]{64})$/

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

/** All but letters, digits and `-._~`. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}
