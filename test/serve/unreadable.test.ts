import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { expect, onTestFinished, test, vi } from 'vitest'
import { documentOf, emptyDirectory, startMillrace } from '../cli/millrace.ts'

vi.setConfig({ testTimeout: 120_000 })

/** The status line, the headers and the body of a request that `fetch` would not send. */
async function answerTo(port: number, head: string) {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${head}\r\nX-Request-Id: of-the-caller\r\nConnection: close\r\n\r\n`)
  const [headers = '', body = ''] = (await text(socket)).split('\r\n\r\n')
  return { status: Number(headers.split(' ')[1]), headers, body }
}

const requests = [
  ['no Host', 'GET /healthz HTTP/1.1', 400],
  ['a Host that is none', 'POST /v1/workflows HTTP/1.1\r\nHost: a b', 400],
  ['a Host with a path', 'GET /healthz HTTP/1.1\r\nHost: localhost/elsewhere', 400],
  ['a backslash in its path', 'GET /a\\b HTTP/1.1\r\nHost: localhost', 400],
  ['no path', 'OPTIONS * HTTP/1.1\r\nHost: localhost', 404],
] as const

test('what has no URL gets a problem document with its request id, and a line in the log', async () => {
  const running = startMillrace(['serve', '--migrate', '--port', '0', '--json'], {
    cwd: emptyDirectory(),
    env: { ...newServiceSecrets() },
  })
  onTestFinished(() => void running.process.kill('SIGTERM'))
  await vi.waitFor(() => expect(running.stdout(), running.stderr()).toContain('\n'), { timeout: 60_000 })
  const port = Number(new URL((documentOf({ stdout: running.stdout() }) as { url: string }).url).port)
  for (const [what, head, expected] of requests) {
    const { status, headers, body } = await answerTo(port, head)
    expect(status, what).toBe(expected)
    expect(headers, what).toMatch(/^content-type: application\/problem\+json/im)
    expect(headers, what).toMatch(/^x-request-id: of-the-caller/im)
    expect(JSON.parse(body), what).toMatchObject({
      status,
      code: status === 400 ? 'malformed_json' : 'not_found',
      requestId: 'of-the-caller',
    })
  }
  const methods = () =>
    running
      .stderr()
      .split('\n')
      .filter((line) => line.includes('"of-the-caller"'))
      .map((line) => (JSON.parse(line) as { method: string }).method)
  await vi.waitFor(() => expect(methods()).toEqual(requests.map(([, head]) => head.split(' ')[0])))
  // A request of HTTP/1.0 needs no Host, and one with any other is answered.
  expect(await answerTo(port, 'GET /healthz HTTP/1.0')).toMatchObject({ status: 200 })
  expect(await answerTo(port, 'GET /healthz HTTP/1.1\r\nHost: [::1]:8787')).toMatchObject({ status: 200 })
})
