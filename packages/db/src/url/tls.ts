import { UrlFault } from './fault.ts'
import type { OptionName } from './option-names.ts'
import type { GivenOption, GivenOptions } from './parts.ts'
import type { ConnectionOptions, TlsMode } from './target.ts'

const modes: ReadonlyMap<string, TlsMode> = new Map<string, TlsMode>([
  ['disable', 'disable'],
  ['prefer', 'prefer'],
  ['require', 'require'],
  ['verify-ca', 'verify-ca'],
  ['verify-full', 'verify-full'],
  ['true', 'require'],
  ['false', 'disable'],
])

/** Prisma's words; it verifies on top of what `sslmode` asks for. */
const acceptances: ReadonlyMap<string, TlsMode> = new Map<string, TlsMode>([
  ['strict', 'verify-full'],
  ['accept_invalid_certs', 'require'],
])

/** TLS as the URL's options want it. `ssl` and `sslmode` are one option, and so are `ssl_ca` and `sslrootcert`. */
export function readTls(given: GivenOptions, defaultMode: TlsMode): Pick<ConnectionOptions, 'tlsMode' | 'tlsCaFile'> {
  const ssl = readWord(given, 'ssl', modes)
  const sslmode = readWord(given, 'sslmode', modes)
  if (ssl !== undefined && sslmode !== undefined && ssl !== sslmode) throw contradiction(given, 'sslmode', 'ssl')
  const accept = readWord(given, 'sslaccept', acceptances)
  const asked = ssl ?? sslmode
  if (accept === 'verify-full' && (asked === 'disable' || asked === 'prefer')) {
    throw contradiction(given, 'sslaccept', ssl === undefined ? 'sslmode' : 'ssl')
  }
  if (given.has('ssl_ca') && given.has('sslrootcert') && valueOf(given, 'ssl_ca') !== valueOf(given, 'sslrootcert')) {
    throw contradiction(given, 'sslrootcert', 'ssl_ca')
  }
  return {
    tlsMode: accept === 'verify-full' ? accept : (asked ?? accept ?? defaultMode),
    tlsCaFile: valueOf(given, 'ssl_ca') ?? valueOf(given, 'sslrootcert'),
  }
}

function valueOf(given: GivenOptions, name: OptionName): string | undefined {
  return given.get(name)?.value
}

function readWord(
  given: GivenOptions,
  name: 'ssl' | 'sslmode' | 'sslaccept',
  words: ReadonlyMap<string, TlsMode>,
): TlsMode | undefined {
  const option = given.get(name)
  if (option === undefined) return undefined
  const mode = words.get(option.value.toLowerCase()) ?? (name === 'ssl' ? readTlsObject(option) : undefined)
  if (mode !== undefined) return mode
  throw new UrlFault(
    option.part.valueSpan,
    `DATABASE_URL's option ${name} has no value that it can have`,
    `It is one of ${[...words.keys()].join(', ')}.`,
    `Write ${name}=${name === 'sslaccept' ? 'strict' : 'require'}, or leave it out: prefer holds on loopback, require elsewhere.`,
  )
}

/** mysql2's and PlanetScale's spelling, with `rejectUnauthorized` as its only member. */
function readTlsObject({ value }: GivenOption): TlsMode | undefined {
  const verifies = /^\s*\{\s*"rejectUnauthorized"\s*:\s*(true|false)\s*\}\s*$/.exec(value)
  if (verifies === null) return undefined
  return verifies[1] === 'true' ? 'verify-full' : 'require'
}

function contradiction(given: GivenOptions, name: OptionName, other: OptionName): UrlFault {
  return new UrlFault(
    given.get(name)?.part.span ?? { start: 0, end: 0 },
    `DATABASE_URL's options ${name} and ${other} contradict each other`,
    name === 'sslaccept'
      ? 'One asks to verify the server, the other to do without TLS.'
      : 'They are two names of one option and have different values.',
    `Leave out ${name} or ${other}.`,
  )
}
