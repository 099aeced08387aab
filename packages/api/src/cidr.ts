/** A network: the address's bytes (4 or 16 of them) and how many leading bits count. */
export interface Cidr {
  readonly bytes: readonly number[]
  readonly prefixBits: number
}

/** Reads `10.0.0.0/8`, `2001:db8::/32`, or an address alone, which is a network of one. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', prefix, ...rest] = text.split('/')
  const bytes = parseAddress(address)
  if (bytes === undefined || rest.length > 0) return undefined
  if (prefix === undefined) return { bytes, prefixBits: bytes.length * 8 }
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bytes.length * 8) return undefined
  return { bytes, prefixBits: Number(prefix) }
}

/** The bytes of an IPv4 or IPv6 address. */
export function parseAddress(text: string): number[] | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined
  return parts.map(Number)
}

function parseIpv6(text: string): number[] | undefined {
  const [head = '', tail, ...rest] = text.split('::')
  if (rest.length > 0) return undefined
  const first = parseGroups(head)
  const last = tail === undefined ? [] : parseGroups(tail)
  if (first === undefined || last === undefined) return undefined
  const missing = 16 - first.length - last.length
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined
  return [...first, ...Array.from({ length: missing }, () => 0), ...last]
}

/** Groups of an IPv6 address as bytes; the last one may be an IPv4 address (RFC 4291, section 2.2). */
function parseGroups(text: string): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [position, group] of groups.entries()) {
    const parsed = position === groups.length - 1 && group.includes('.') ? parseIpv4(group) : parseGroup(group)
    if (parsed === undefined) return undefined
    bytes.push(...parsed)
  }
  return bytes
}

function parseGroup(text: string): number[] | undefined {
  if (!/^[0-9a-f]{1,4}$/i.test(text)) return undefined
  const value = Number.parseInt(text, 16)
  return [value >> 8, value & 0xff]
}
