import { cast, type Field } from '@planetscale/database'

const textTypes: ReadonlySet<string> = new Set(['TEXT', 'VARCHAR', 'CHAR'])
/** The charset number of bytes without a charset. */
const binaryCharset = 63

/** Text may begin with U+FEFF, which is no mark of an encoding there. */
const utf8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
const ascii = /^[\0-\x7f]*$/

/** The client's own cast, but of text in one step: the client's makes a list of each value's characters. */
export function castValue(field: Field, value: string | null): unknown {
  if (value === null || !textTypes.has(field.type) || field.charset === binaryCharset) return cast(field, value)
  return ascii.test(value) ? value : utf8.decode(bytesOf(value))
}

/** The client's strings of bytes: a character a byte. */
function bytesOf(binary: string): Uint8Array {
  const bytes = new Uint8Array(binary.length)
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at)
  return bytes
}
