import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type CertificateKind = 'good' | 'self-signed' | 'expired' | 'wrong-host'

export interface Certificate {
  readonly certificateFile: string
  readonly keyFile: string
}

export interface Certificates {
  /** The authority's own, which signed all but the self-signed one. */
  readonly caFile: string
  readonly of: Readonly<Record<CertificateKind, Certificate>>
}

const loopbackNames = 'DNS:localhost,IP:127.0.0.1'

/** By OpenSSL's command line, which every machine with Git or a shell has. */
export function makeCertificates(directory: string): Certificates {
  mkdirSync(directory)
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', [...args], { cwd: directory, stdio: 'pipe' })
  }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc']
  const own = (name: string, subject: string, ...more: readonly string[]): void =>
    openssl('req', '-x509', ...key, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', subject, ...more)
  own('ca', '/CN=Millrace test authority', '-days', '2')
  own('self-signed', '/CN=localhost', '-days', '2', '-addext', `subjectAltName=${loopbackNames}`)
  const signed = (name: string, names: string, ...validity: readonly string[]): void => {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', '/CN=server')
    writeFileSync(join(directory, `${name}.ext`), `subjectAltName=${names}\n`)
    writeFileSync(join(directory, `${name}.index`), '')
    openssl(
      'ca',
      '-batch',
      '-config',
      writeConfiguration(directory, name),
      '-in',
      `${name}.csr`,
      '-out',
      `${name}.pem`,
      '-extfile',
      `${name}.ext`,
      '-notext',
      ...validity,
    )
  }
  signed('good', loopbackNames, '-days', '1')
  signed('expired', loopbackNames, '-startdate', '20200101000000Z', '-enddate', '20200102000000Z')
  signed('wrong-host', 'DNS:elsewhere.example', '-days', '1')
  const pair = (name: string): Certificate => ({
    certificateFile: join(directory, `${name}.pem`),
    keyFile: join(directory, `${name}.key`),
  })
  return {
    caFile: join(directory, 'ca.pem'),
    of: {
      good: pair('good'),
      'self-signed': pair('self-signed'),
      expired: pair('expired'),
      'wrong-host': pair('wrong-host'),
    },
  }
}

/** `openssl ca` is the one command of OpenSSL 3.0 that signs with dates in the past. */
function writeConfiguration(directory: string, name: string): string {
  const file = join(directory, `${name}.cnf`)
  const lines = [
    '[ca]',
    'default_ca = authority',
    '[authority]',
    `database = ${name}.index`,
    'new_certs_dir = .',
    'certificate = ca.pem',
    'private_key = ca.key',
    'rand_serial = yes',
    'default_md = sha256',
    'policy = any',
    '[any]',
    'commonName = supplied',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}
