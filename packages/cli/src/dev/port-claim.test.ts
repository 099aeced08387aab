import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { claimNextPort } from './port-claim.ts'

const host = '127.0.0.1'
const claims = join(tmpdir(), `millrace-dev-${userInfo().uid}`)

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, host, () => resolve(server))
    onTestFinished(() => void server.close())
  })
}

/** A port that was free a moment ago, with something on it now or not. */
async function somePort({ isTaken }: { readonly isTaken: boolean }): Promise<number> {
  const server = await listen(0)
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  if (!isTaken) await new Promise((resolve) => server.close(resolve))
  return address.port
}

test('the port itself where nobody has it, and no second one of this user gets it before it is released', async () => {
  const port = await somePort({ isTaken: false })
  const first = await claimNextPort(host, port, '--port')
  onTestFinished(first.release)
  expect(first.port).toBe(port)
  const second = await claimNextPort(host, port, '--port')
  expect(second.port).toBeGreaterThan(port)
  second.release()
  first.release()
  const third = await claimNextPort(host, port, '--port')
  expect(third.port).toBe(port)
  third.release()
})

test('the next one where something listens on it', async () => {
  const port = await somePort({ isTaken: true })
  const claim = await claimNextPort(host, port, '--port')
  expect(claim.port).toBeGreaterThan(port)
  claim.release()
})

test('a claim of a process that is gone counts for nothing', async () => {
  const port = await somePort({ isTaken: false })
  mkdirSync(claims, { recursive: true, mode: 0o700 })
  const file = join(claims, String(port))
  // Above what a process id can be.
  writeFileSync(file, '4194305')
  onTestFinished(() => rmSync(file, { force: true }))
  const claim = await claimNextPort(host, port, '--port')
  expect(claim.port).toBe(port)
  claim.release()
})
