import { expect, test } from 'vitest'
import { parseCidr } from './cidr.ts'

test.each([
  ['10.0.0.0/8', [10, 0, 0, 0], 8],
  ['192.168.1.1', [192, 168, 1, 1], 32],
  ['::/0', Array.from({ length: 16 }, () => 0), 0],
  ['2001:db8::1/32', [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 32],
  ['::ffff:1.2.3.4', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4], 128],
])('%s', (text, bytes, prefixBits) => {
  expect(parseCidr(text)).toEqual({ bytes, prefixBits })
})

test.each([
  '',
  '10.0.0.0/33',
  '10.0.0/8',
  '256.0.0.1',
  '1:2:3:4:5:6:7',
  '1::2::3',
  '1:2:3:4:5:6:7:8::',
  'g::',
  '::/129',
  '1.2.3.4/8/8',
  '/8',
])('%j is no network', (text) => {
  expect(parseCidr(text)).toBeUndefined()
})
