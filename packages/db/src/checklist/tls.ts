import type { InspectionDialect } from './inspection.ts'
import type { Transport } from '../sql/transport.ts'
import { isLoopback } from '../url/address.ts'
import type { ConnectionOptions, ServerAddress, Target } from '../url/index.ts'
import { fail, ok, warn, type Finding } from './finding.ts'
import { readTexts } from './subject.ts'

const encrypt =
  'Enable TLS on the server, and add `sslmode=verify-full&ssl_ca=FILE` to DATABASE_URL, where FILE contains its authority.'

/** `tls`: what the connection that was made really uses, not what the URL asks for. */
export async function checkTls(
  target: Target,
  transport: Transport,
  { encryption }: InspectionDialect,
): Promise<Finding> {
  switch (target.via) {
    case 'file':
      return ok('tls', 'A file has no connection to encrypt.')
    case 'neon':
    case 'planetscale':
      return ok('tls', 'The platform is reached over HTTPS.')
    case 'd1':
      return ok('tls', 'D1 is reached by a binding or over HTTPS.')
    case 'hyperdrive':
      return ok('tls', 'Hyperdrive connects to the server as its configuration says.')
    case 'libsql':
      return libsqlFinding(new URL(target.url))
    case 'gateway':
      return serverFinding(target, encryption === undefined ? undefined : await versionOf(transport, encryption))
  }
}

async function versionOf(
  transport: Transport,
  encryption: NonNullable<InspectionDialect['encryption']>,
): Promise<string | undefined> {
  const [row = []] = await readTexts(transport, encryption)
  const version = row.at(-1)
  return version === '' ? undefined : version
}

function libsqlFinding({ protocol, hostname }: URL): Finding {
  if (protocol === 'https:') return ok('tls', 'The libSQL server is reached over HTTPS.')
  if (isLoopback(hostname)) return ok('tls', unencryptedHere)
  return fail('tls', 'The libSQL server is reached over plain HTTP.', 'Write the URL with `libsql://` or `https://`.')
}

const unencryptedHere = 'The connection is not encrypted, but does not leave this machine.'

function serverFinding({ host, options }: ServerAddress, version: string | undefined): Finding {
  if (version === undefined) {
    return isLoopback(host)
      ? ok('tls', unencryptedHere)
      : fail('tls', 'The connection to the server is not encrypted.', encrypt)
  }
  if (isVerified(options)) return ok('tls', `The connection uses ${version}, and the server's certificate is verified.`)
  if (isLoopback(host)) return ok('tls', `The connection uses ${version}, and does not leave this machine.`)
  return warn('tls', `The connection uses ${version}, but the server's certificate is not verified.`, encrypt)
}

function isVerified({ tlsMode, tlsCaFile }: ConnectionOptions): boolean {
  if (tlsMode === 'require') return tlsCaFile !== undefined
  return tlsMode === 'verify-ca' || tlsMode === 'verify-full'
}
