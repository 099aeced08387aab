import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { documentOf, emptyDirectory, millrace } from './millrace.ts'

/** `backup fetch` against a server that answers what a deployment's front might; a real one is in test/backups. */

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 60_000 })

const backup = 'a backup'
const digest = `sha-256=:${createHash('sha256').update(backup).digest('base64')}:`
const answers: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  whole: { 'Repr-Digest': digest },
  page: { 'Content-Type': 'text/html' },
  changed: { 'Repr-Digest': digest.replace(':', ':A') },
}

let server: Server
let url: string

beforeAll(async () => {
  server = createServer((request, response) => {
    const name = request.url?.split('/').at(-1) ?? ''
    response.writeHead(200, { ...answers[name], 'Content-Length': backup.length }).end(backup)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  url = `http://127.0.0.1:${address.port}`
})

afterAll(() => {
  server.close()
})

const fetchInto = (cwd: string, name: string, key: string) =>
  millrace(['backup', 'fetch', name, '--out', 'f.millrace', '--url', url, '--json'], {
    cwd,
    env: { MILLRACE_API_KEY: key },
  })

test('what names the right SHA-256 is kept, with a key that a line end follows', async () => {
  const cwd = emptyDirectory()
  expect(await fetchInto(cwd, 'whole', 'mr_key\n')).toMatchObject({ exitCode: 0 })
  expect(readFileSync(join(cwd, 'f.millrace'), 'utf8')).toBe(backup)
})

test.each(['page', 'changed'])('an answer that is no backup is not kept: %s', async (name) => {
  const cwd = emptyDirectory()
  const ended = await fetchInto(cwd, name, 'mr_key')
  expect(ended).toMatchObject({ exitCode: 1 })
  expect(documentOf(ended)).toMatchObject({ error: { code: 'archive_damaged' } })
  expect(readdirSync(cwd)).toEqual([])
})

test.each(['mr_one\nmr_hush', 'mr_hush…'])('what can be no key is refused without being shown: %j', async (key) => {
  const cwd = emptyDirectory()
  const ended = await fetchInto(cwd, 'whole', key)
  expect(ended).toMatchObject({ exitCode: 2 })
  expect(documentOf(ended)).toMatchObject({ error: { code: 'settings_invalid' } })
  expect(ended.stdout + ended.stderr).not.toContain('hush')
  expect(existsSync(join(cwd, 'f.millrace'))).toBe(false)
})
