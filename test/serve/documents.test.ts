import { connect } from 'node:net'
import { parseSettings } from '@millrace/api/settings'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { listen } from '@millrace/server/listen'
import { openService } from '@millrace/server/service'
import { expect, onTestFinished, test } from 'vitest'
import { describeDialects } from '../dialects.ts'
import { migratedDatabase } from '../templates.ts'
import { register } from './accounts.ts'
import { watchMarker } from './marker-watch.ts'

const marker = 'märker-7f3a'
const secrets = newServiceSecrets()

/** Sends bytes and gives those of the answer: the client, in the same process, makes no text of them. */
function exchange(port: number, sent: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks)))
    socket.write(sent)
  })
}

test('what is done with a text that holds the marker is counted, and nothing else, and no more at the end', () => {
  const watch = watchMarker(marker)
  const text = JSON.stringify({ text: JSON.parse(`"${marker}"`) as unknown })
  const bytes = new TextEncoder().encode(text)
  expect(Buffer.from(bytes).toString()).toBe(text)
  expect(JSON.parse(JSON.stringify('other'))).toBe('other')
  watch.end()
  JSON.parse(text)
  expect(watch.seen()).toEqual({
    'JSON.parse': 1,
    'JSON.stringify': 1,
    'TextEncoder.encode': 1,
    'Buffer.from': 1,
    'buffer.utf8Slice': 1,
  })
})

describeDialects((dialect) => {
  // The adapter takes the body's bytes out of the socket's; the scanner reads them once, as text.
  const body = { 'ArrayBuffer.slice': 1, 'TextDecoder.decode': 1 }
  // By the drivers, in JavaScript: of the workflow and of its version, and of what is read. SQLite's binding does it itself.
  const written = dialect === 'sqlite' ? {} : { 'buffer.utf8Write': 2 }
  const read = dialect === 'sqlite' ? {} : { 'buffer.utf8Slice': 1 }

  test.each([
    ['short', 0],
    ['of 200 KB', 200 * 1024],
  ])('a document that is %s is never parsed, and is made text and bytes once on each way', async (_what, length) => {
    const database = await migratedDatabase(dialect)
    onTestFinished(() => database.drop())
    const parsed = parseSettings({ DATABASE_URL: database.url, BCRYPT_COST: '4', ...secrets }, { needsGateway: false })
    if (!parsed.ok) throw new Error('the settings are refused')
    const { settings } = parsed
    const service = await openService({ settings, log: () => undefined, onConnection: () => undefined })
    onTestFinished(() => service.close())
    const listening = await listen((request) => service.fetch(request), { host: '127.0.0.1', port: 0 })
    onTestFinished(() => listening.close(5))
    const token = await register(`http://127.0.0.1:${listening.port}`, 'ada')

    async function ask(line: string, headers: readonly string[], sent = '') {
      const all = [
        `${line} HTTP/1.1`,
        'Host: localhost',
        'Connection: close',
        `Authorization: Bearer ${token}`,
        ...headers,
        ...(sent === '' ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(sent)}`]),
      ]
      const bytes = Buffer.from(`${all.join('\r\n')}\r\n\r\n${sent}`)
      const watch = watchMarker(marker)
      try {
        const answer = await exchange(listening.port, bytes)
        watch.end()
        return { seen: watch.seen(), answer: answer.toString() }
      } finally {
        watch.end()
      }
    }

    const definition = (n: number) => `{"n":${n}.0,"text":"${marker}${'x'.repeat(length)}"}`
    const created = await ask('POST /v1/workflows', [], `{"name":"one","definition":${definition(1)}}`)
    expect(created.answer).toMatch(/^HTTP\/1\.1 201 /)
    expect(created.answer).toContain(definition(1))
    expect(created.seen).toEqual({ ...body, ...written })

    const id = /"id":"([^"]+)"/.exec(created.answer)?.[1] ?? ''
    const path = `/v1/workflows/${id}`
    const patched = await ask(`PATCH ${path}`, ['If-Match: "1"'], `{"definition":${definition(2)}}`)
    expect(patched.answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(patched.answer).toContain(definition(2))
    // Its answer is what is stored.
    expect(patched.seen).toEqual({ ...body, ...written, ...read })

    const found = await ask(`GET ${path}`, [])
    expect(found.answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(found.answer).toContain(definition(2))
    expect(found.seen).toEqual(read)
  })
})
