import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'

export function fingerprintOf(file: string): string {
  return new X509Certificate(readFileSync(file)).fingerprint256
}

/** Of the certificate that a PostgreSQL shows now; undefined when it has no TLS. */
export async function shownFingerprint(port: number): Promise<string | undefined> {
  const socket = connect(port, '127.0.0.1')
  try {
    // SSLRequest: its length and its code.
    socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
    const answer: readonly unknown[] = await once(socket, 'data')
    if (String(answer[0]) !== 'S') return undefined
    const encrypted = connectTls({ socket, rejectUnauthorized: false })
    await once(encrypted, 'secureConnect')
    return encrypted.getPeerCertificate().fingerprint256
  } finally {
    socket.destroy()
  }
}
