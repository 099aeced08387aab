import { describe, expect, it } from 'vitest'
import { isLoopbackHost, refusalOf } from './access.ts'

it.each(['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost', 'LOCALHOST'])('%s is loopback', (host) => {
  expect(isLoopbackHost(host)).toBe(true)
})

it.each(['0.0.0.0', '::', '10.0.0.1', '192.168.0.1', 'localhost.example', '127.0.0.1.example', 'example', ''])(
  '%s is not loopback',
  (host) => {
    expect(isLoopbackHost(host)).toBe(false)
  },
)

describe('a request', () => {
  it('beyond loopback may name any host, but needs the token', () => {
    const rules = { host: '0.0.0.0', tokens: () => ['secret', 'old'] }
    expect(refusalOf({ host: 'gateway.internal' }, rules)?.status).toBe(401)
    expect(refusalOf({ host: 'gateway.internal', 'x-millrace-gateway-token': 'secret' }, rules)).toBeUndefined()
    expect(refusalOf({ host: 'gateway.internal', 'x-millrace-gateway-token': 'old' }, rules)).toBeUndefined()
    expect(refusalOf({ host: 'gateway.internal', 'x-millrace-gateway-token': 'Secret' }, rules)?.status).toBe(401)
  })

  it('on loopback needs no token where none is set', () => {
    expect(refusalOf({ host: 'localhost:1' }, { host: '127.0.0.1', tokens: undefined })).toBeUndefined()
    expect(refusalOf({}, { host: '127.0.0.1', tokens: undefined })?.status).toBe(403)
  })
})
