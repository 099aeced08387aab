import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { ConnectionOptions } from '@millrace/db/url'

/** How one attempt to connect treats the server's certificate. */
export interface TlsPolicy {
  readonly rejectUnauthorized: boolean
  readonly ca: string | undefined
  /** The name that the certificate has to hold; undefined when any will do. */
  readonly identity: string | undefined
}

/** In the order in which they are made; undefined is plain TCP. */
export type TlsAttempts = readonly [TlsPolicy | undefined, ...(TlsPolicy | undefined)[]]

/** What is wrong with the name in a certificate, if anything. */
export function identityFault(policy: TlsPolicy, certificate: PeerCertificate): Error | undefined {
  return policy.identity === undefined ? undefined : checkServerIdentity(policy.identity, certificate)
}

/** The file of `ssl_ca` can't be read. */
export class TlsFileError extends Error {
  override readonly name = 'TlsFileError'
}

function readCa(path: string): string {
  try {
    const text = readFileSync(path, 'utf8')
    // TLS takes a file without a certificate for one that trusts nobody; this throws.
    return new X509Certificate(text).raw.length === 0 ? '' : text
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new TlsFileError(`The certificate file ${path} (ssl_ca) can't be read (${reason}).`, { cause: error })
  }
}

/**
 * The attempts to make, in order, for an `sslmode`; undefined means plain TCP. Throws TlsFileError. `prefer` falls back to plain TCP when the
 * server has no TLS. `require` encrypts, and verifies the chain only against a given `ssl_ca`, as libpq does.
 * https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
 */
export function tlsAttempts(options: ConnectionOptions, host: string): TlsAttempts {
  const ca = options.tlsCaFile === undefined ? undefined : readCa(options.tlsCaFile)
  const encrypted: TlsPolicy = { rejectUnauthorized: false, ca, identity: undefined }
  const chainVerified: TlsPolicy = { ...encrypted, rejectUnauthorized: true }
  switch (options.tlsMode) {
    case 'disable':
      return [undefined]
    case 'prefer':
      return [encrypted, undefined]
    case 'require':
      return [ca === undefined ? encrypted : chainVerified]
    case 'verify-ca':
      return [chainVerified]
    case 'verify-full':
      return [{ ...chainVerified, identity: host }]
  }
}
