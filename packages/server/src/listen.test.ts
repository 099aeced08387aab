import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { listen } from './listen.ts'

interface Answered {
  readonly status: number | undefined
  readonly connection: string | undefined
  /** Whether it came over a connection that had served another request. */
  readonly isReused: boolean
}

function keptConnection(port: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  return (): Promise<Answered> =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, agent, method: 'POST' }, (answer) => {
        answer.resume()
        answer.on('end', () => {
          const { statusCode: status, headers } = answer
          resolve({ status, connection: headers.connection, isReused: sent.reusedSocket })
        })
      })
      sent.on('error', reject)
      sent.end('{}')
    })
}

const started = () => listen(() => new Response('done'), { host: '127.0.0.1', port: 0 })

test('a connection that is kept gets an answer to what it sends while the server ends, and is closed with it', async () => {
  const listening = await started()
  const ask = keptConnection(listening.port)
  expect(await ask()).toEqual({ status: 200, connection: 'keep-alive', isReused: false })
  const closed = listening.close(5, 5)
  expect(await ask()).toEqual({ status: 200, connection: 'close', isReused: true })
  await closed
  await expect(ask()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('one that sends nothing more holds it up for no longer than it may be idle', async () => {
  const listening = await started()
  const ask = keptConnection(listening.port)
  await ask()
  const startedAt = performance.now()
  await listening.close(30, 0.2)
  expect(performance.now() - startedAt).toBeLessThan(10_000)
})

test('it ends at once where nobody is connected', async () => {
  const listening = await started()
  const startedAt = performance.now()
  await listening.close(30, 20)
  expect(performance.now() - startedAt).toBeLessThan(10_000)
})

test.each([
  ['nothing', ''],
  ['one address', 'CF-Connecting-IP: 192.0.2.1\r\n'],
  ['two addresses', 'cf-connecting-ip: 192.0.2.1\r\nCf-Connecting-Ip: 192.0.2.2\r\n'],
])('the client is who connects, where it says %s of itself', async (_said, own) => {
  const named: (string | null)[] = []
  const answer = ({ headers }: Request) => {
    named.push(headers.get('CF-Connecting-IP'), ...[...headers].filter(([name]) => /^cf-/i.test(name)).flat())
    return new Response('done')
  }
  const listening = await listen(answer, { host: '127.0.0.1', port: 0, addressOf: () => '198.51.100.7' })
  const socket = connect(listening.port, '127.0.0.1')
  socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${own}\r\n`)
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK/)
  expect(named).toEqual(['198.51.100.7', 'cf-connecting-ip', '198.51.100.7'])
  await listening.close(5)
})

test('a request of HTTP/1.0 is answered without a Host', async () => {
  const listening = await started()
  const socket = connect(listening.port, '127.0.0.1')
  socket.write('GET / HTTP/1.0\r\n\r\n')
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*done$/)
  await listening.close(5)
})
