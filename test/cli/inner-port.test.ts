import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startReady } from '@millrace/cli/dev/start-ready'
import { saysInnerPortTaken, type Worker } from '@millrace/cli/dev/worker'
import { expect, onTestFinished, test } from 'vitest'
import { miniflare } from '../servers/miniflare.ts'

async function listen(): Promise<{ readonly url: string; readonly port: number; readonly server: Server }> {
  const server = createServer((_request, response) => response.end('{}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, server }
}

/** As `startWorker` gives one, without a process. */
function worker(saysPortTaken: boolean, closed: string[]): Worker {
  return {
    ended: new Promise(() => undefined),
    lostInnerPort: () => saysPortTaken,
    lastLines: () => 'Address already in use',
    showLog: () => undefined,
    close: async () => void closed.push('closed'),
  }
}

const interruption = new AbortController().signal

test('the line by which wrangler tells that an inner port was taken is known', async () => {
  const { port } = await listen()
  const { Miniflare, convertV4MiniflareOptions } = miniflare()
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: 'export default { fetch: () => new Response() }',
      compatibilityDate: '2026-01-01',
      unsafeDirectSockets: [{ host: '127.0.0.1', port }],
    }),
  )
  const said = await runtime.ready.then(() => 'it started', String)
  await runtime.dispose().catch(() => undefined)
  expect(said).toContain('Address already in use')
  expect(saysInnerPortTaken(said)).toBe(true)
  expect(saysInnerPortTaken('Address already in use (127.0.0.1:8787).')).toBe(false)
})

test('functions whose inner port was taken are started again, and it is said once', async () => {
  const { url } = await listen()
  const [closed, notes]: [string[], string[]] = [[], []]
  const workers = [worker(true, closed), worker(false, closed)]
  const ready = await startReady({
    url,
    interruption,
    note: (words) => notes.push(words),
    start: () => workers.shift() ?? expect.fail('a third start'),
  })
  expect(ready.lostInnerPort()).toBe(false)
  expect(closed).toEqual(['closed'])
  expect(notes).toEqual([expect.stringContaining('starting it again')])
})

test('after four starts it gives up, with the reason', async () => {
  const { url } = await listen()
  let starts = 0
  const start = (): Worker => {
    starts += 1
    return worker(true, [])
  }
  await expect(startReady({ url, interruption, note: () => undefined, start })).rejects.toThrow('wrangler dev ended')
  expect(starts).toBe(4)
})

test('functions that end for another reason are not started again', async () => {
  let starts = 0
  const start = (): Worker => {
    starts += 1
    return { ...worker(false, []), ended: Promise.resolve(1) }
  }
  await expect(startReady({ url: 'http://127.0.0.1:1', interruption, note: () => undefined, start })).rejects.toThrow(
    'wrangler dev ended',
  )
  expect(starts).toBe(1)
})
