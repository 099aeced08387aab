import { parseAddress, type Cidr } from './cidr.ts'

const unknownNetwork = 'unknown'

/**
 * The network that a request counts for: an IPv4 address, or the /64 of an IPv6 one, since a subscriber has all of it.
 * The caller's address is `CF-Connecting-IP`; where that is a trusted proxy's, the rightmost of `X-Forwarded-For` that
 * is not.
 */
export function networkOf(headers: Headers, trustedProxies: readonly Cidr[]): string {
  const isTrusted = (address: readonly number[]) => trustedProxies.some((network) => contains(network, address))
  let address = addressIn(headers.get('CF-Connecting-IP') ?? '')
  if (address !== undefined && isTrusted(address)) {
    const forwarded = (headers.get('X-Forwarded-For') ?? '').split(',').map(addressIn)
    address = forwarded.findLast((one) => one === undefined || !isTrusted(one))
  }
  return address === undefined ? unknownNetwork : nameOf(unmapped(address))
}

function addressIn(text: string): readonly number[] | undefined {
  return parseAddress(text.trim())
}

function contains({ bytes, prefixBits }: Cidr, address: readonly number[]): boolean {
  const compared = bytes.length === address.length ? address : unmapped(address)
  if (bytes.length !== compared.length) return false
  return bytes.every((byte, position) => {
    const bits = Math.min(8, Math.max(0, prefixBits - position * 8))
    const mask = (0xff << (8 - bits)) & 0xff
    return ((byte ^ (compared[position] ?? 0)) & mask) === 0
  })
}

/** An IPv4 address that was written as an IPv6 one (RFC 4291, section 2.5.5.2). */
function unmapped(address: readonly number[]): readonly number[] {
  const prefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
  const isMapped = address.length === 16 && prefix.every((byte, position) => address[position] === byte)
  return isMapped ? address.slice(12) : address
}

/** As RFC 5952 writes it; the zeros that end a /64 are the longest run there can be. */
function nameOf(address: readonly number[]): string {
  if (address.length === 4) return address.join('.')
  const groups = [0, 2, 4, 6].map((at) => ((address[at] ?? 0) * 256 + (address[at + 1] ?? 0)).toString(16))
  const last = groups.findLastIndex((group) => group !== '0')
  return `${groups.slice(0, last + 1).join(':')}::/64`
}
