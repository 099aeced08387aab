import { expect, test } from 'vitest'
import { parseCidr, type Cidr } from './cidr.ts'
import { networkOf } from './network.ts'

function networkFor(connecting: string | undefined, forwarded?: string, trusted: readonly string[] = []): string {
  const headers = new Headers()
  if (connecting !== undefined) headers.set('CF-Connecting-IP', connecting)
  if (forwarded !== undefined) headers.set('X-Forwarded-For', forwarded)
  const networks: Cidr[] = trusted.flatMap((text) => parseCidr(text) ?? [])
  return networkOf(headers, networks)
}

test('an IPv4 address stands for itself, also when it is written as IPv6', () => {
  expect(networkFor('192.0.2.7')).toBe('192.0.2.7')
  expect(networkFor('::ffff:192.0.2.7')).toBe('192.0.2.7')
})

test('of an IPv6 address the /64 counts', () => {
  expect(networkFor('2001:db8:1:2::1')).toBe(networkFor('2001:db8:1:2:ffff::9'))
  expect(networkFor('2001:db8:1:2::1')).not.toBe(networkFor('2001:db8:1:3::1'))
})

test.each([
  ['2001:0DB8:0:a::1', '2001:db8:0:a::/64'],
  ['2001:db8:0:0:1:2:3:4', '2001:db8::/64'],
  ['::1', '::/64'],
])('%s is told as %s', (address, network) => {
  expect(networkFor(address)).toBe(network)
})

test('X-Forwarded-For counts for nothing unless a trusted proxy connects', () => {
  expect(networkFor('192.0.2.7', '198.51.100.1')).toBe('192.0.2.7')
  expect(networkFor('192.0.2.7', '198.51.100.1', ['10.0.0.0/8'])).toBe('192.0.2.7')
})

test('behind trusted proxies the rightmost address that is none of theirs counts', () => {
  const trusted = ['10.0.0.0/8', 'fd00::/8']
  expect(networkFor('10.1.2.3', '203.0.113.9, 198.51.100.1, 10.9.9.9', trusted)).toBe('198.51.100.1')
  expect(networkFor('fd00::1', '198.51.100.1', trusted)).toBe('198.51.100.1')
  expect(networkFor('::ffff:10.1.2.3', '198.51.100.1', trusted)).toBe('198.51.100.1')
  expect(networkFor('11.1.2.3', '198.51.100.1', trusted)).toBe('11.1.2.3')
})

test.each([
  [undefined, undefined],
  ['nonsense', '198.51.100.1'],
  ['10.1.2.3', undefined],
  ['10.1.2.3', '198.51.100.1, nonsense'],
])('%s with %s is nobody known', (connecting, forwarded) => {
  expect(networkFor(connecting, forwarded, ['10.0.0.0/8'])).toBe('unknown')
})
