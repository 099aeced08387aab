import { Agent, request, type ClientRequest } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { emptyDirectory, startMillrace, type Running } from '../cli/millrace.ts'
import { describeServersInTurn, type TestDatabase } from '../dialects.ts'
import { findFreePort } from '../servers/process.ts'
import { migratedDatabase } from '../templates.ts'

// Each instance is a process of its own that is started twice, and the machine may have other work.
vi.setConfig({ testTimeout: 240_000 })

const patience = { timeout: 90_000, interval: 50 }
const clients = 8

/** As a load balancer has it: connections that are kept, to instances of which one may take no more. */
class Balancer {
  readonly #agents: ReadonlyMap<number, Agent>
  #turn = 0

  constructor(ports: readonly number[]) {
    this.#agents = new Map(ports.map((port) => [port, new Agent({ keepAlive: true, maxSockets: clients })]))
  }

  /** Sends it to the next instance, and to the others only where that refuses the connection. */
  async send(method: string, path: string, headers: Readonly<Record<string, string>>, body = ''): Promise<Sent> {
    const ports = [...this.#agents.keys()]
    const first = (this.#turn += 1)
    for (let tries = 1; ; tries += 1) {
      const port = ports[(first + tries) % ports.length] ?? 0
      try {
        return { port, ...(await this.#ask(port, { method, path, headers }, body)) }
      } catch (error) {
        if (!(error instanceof NobodyThere) || tries === ports.length) throw error
      }
    }
  }

  end(): void {
    for (const agent of this.#agents.values()) agent.destroy()
  }

  #ask(port: number, options: object, body: string): Promise<{ readonly status: number; readonly text: string }> {
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, agent: this.#agents.get(port), ...options }, (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (part: string) => (text += part))
        answer.on('error', reject)
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      })
      sent.on('error', (error: NodeJS.ErrnoException) => reject(isNobodyThere(error, sent) ? new NobodyThere() : error))
      sent.end(body)
    })
  }
}

class NobodyThere extends Error {}

/**
 * The connection was refused, or it was new and still stood in the queue of the listening socket when that was closed: the
 * system resets those, and nobody has read what was sent. A kept connection that is reset counts as a failed request.
 */
function isNobodyThere(error: NodeJS.ErrnoException, sent: ClientRequest): boolean {
  return error.code === 'ECONNREFUSED' || (error.code === 'ECONNRESET' && !sent.reusedSocket)
}

interface Sent {
  readonly port: number
  readonly status: number
  readonly text: string
}

/** Two of `millrace serve` before one database, and a way to replace either. */
class Instances {
  readonly ports: readonly number[]
  readonly #env: Readonly<Record<string, string>>
  readonly #running = new Map<number, Running>()

  constructor(ports: readonly number[], databaseUrl: string) {
    this.ports = ports
    this.#env = { ...newServiceSecrets(), DATABASE_URL: databaseUrl, BCRYPT_COST: '4' }
  }

  async start(port: number): Promise<void> {
    const args = ['serve', '--port', String(port), '--json']
    const running = startMillrace(args, { cwd: emptyDirectory(), env: this.#env })
    this.#running.set(port, running)
    await vi.waitFor(async () => {
      if (running.process.exitCode !== null) throw new Error(`it ended: ${running.stderr()}`)
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`)
      await answer.arrayBuffer()
      if (answer.status !== 200) throw new Error(`it is not ready: ${answer.status}`)
    }, patience)
  }

  /** Gives its exit code. */
  async stop(port: number): Promise<number | null | undefined> {
    const running = this.#running.get(port)
    running?.process.kill('SIGTERM')
    return (await running?.ended)?.exitCode
  }
}

describeServersInTurn((dialect) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await migratedDatabase(dialect)
  })
  afterAll(() => database.drop())

  test('two instances are replaced in turn under load, and no request fails', async () => {
    const instances = new Instances([await findFreePort(), await findFreePort()], database.url)
    await Promise.all(instances.ports.map((port) => instances.start(port)))
    const balancer = new Balancer(instances.ports)
    const json = { 'Content-Type': 'application/json' }
    const account = '{"username":"ada","email":"ada@example.com","password":"correct horse"}'
    const registered = await balancer.send('POST', '/v1/auth/register', json, account)
    expect(registered.status).toBe(201)
    const { accessToken } = JSON.parse(registered.text) as { readonly accessToken: string }
    const headers = { ...json, Authorization: `Bearer ${accessToken}` }

    const state = { isEnding: false }
    const failures: string[] = []
    const created: string[] = []
    const answeredBy = new Map<number, number>()
    async function work(client: number): Promise<void> {
      for (let count = 0; !state.isEnding; count += 1) {
        const name = `${client}-${count}`
        try {
          const write = await balancer.send('POST', '/v1/workflows', headers, JSON.stringify({ name, definition: {} }))
          const read = await balancer.send('GET', '/v1/workflows?limit=5', headers)
          for (const { status, text } of [write, read]) if (status > 201) failures.push(`${status} ${text}`)
          for (const { port } of [write, read]) answeredBy.set(port, (answeredBy.get(port) ?? 0) + 1)
          if (write.status === 201) created.push(name)
        } catch (error) {
          failures.push(String(error))
        }
        // Who asks now and then finds connections that were idle as well.
        if (client % 2 === 0) await delay(20)
      }
    }
    const working = Promise.all(Array.from({ length: clients }, (_none, client) => work(client)))
    const answeredBothAgain = () => {
      answeredBy.clear()
      return vi.waitFor(() => {
        for (const port of instances.ports) expect(answeredBy.get(port) ?? 0).toBeGreaterThan(10)
      }, patience)
    }
    await answeredBothAgain()
    for (const port of instances.ports) {
      expect(await instances.stop(port)).toBe(143)
      await instances.start(port)
      await answeredBothAgain()
    }
    state.isEnding = true
    await working
    balancer.end()

    expect(failures).toEqual([])
    const stored = await database.query('select name from workflows order by name')
    expect(stored.map(({ name }) => String(name)).toSorted()).toEqual(created.toSorted())
    await Promise.all(instances.ports.map((port) => instances.stop(port)))
  })
})
