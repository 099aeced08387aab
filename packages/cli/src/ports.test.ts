import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { isLoopback } from '@millrace/db/url/address'
import { authority, claimablePort, reachableHost } from './ports.ts'

test('0 becomes a free port that can be listened on', async () => {
  const port = await claimablePort('127.0.0.1', 0, '--port')
  expect(port).toBeGreaterThan(0)
  expect(await claimablePort('127.0.0.1', port, '--port')).toBe(port)
})

test('a port that someone listens on, be it on every address, is port_taken and names the option', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '0.0.0.0', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await expect(claimablePort('127.0.0.1', port, '--gateway-port')).rejects.toMatchObject({
    code: 'port_taken',
    words: { fix: expect.stringContaining('--gateway-port') },
  })
  await new Promise((resolve) => {
    server.close(resolve)
  })
})

test("an address that is not this machine's is wrong usage", async () => {
  await expect(claimablePort('192.0.2.1', 0, '--port')).rejects.toMatchObject({ code: 'usage' })
})

test('hosts read as URLs and as loopback', () => {
  expect(authority('::1', 80)).toBe('[::1]:80')
  expect([reachableHost('0.0.0.0'), reachableHost('::'), reachableHost('10.0.0.1')]).toEqual([
    '127.0.0.1',
    '::1',
    '10.0.0.1',
  ])
  expect(['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost', 'a.localhost'].every(isLoopback)).toBe(true)
  expect(['0.0.0.0', '::', '[::]', '10.0.0.1', '127.0.0.1.example.com'].some(isLoopback)).toBe(false)
})
