import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { targetOf } from '../test/database.ts'
import type { StartedServers } from '../test/servers/protocol.ts'
import { createDatabase } from './databases.ts'
import { openClient, type Client } from './load.ts'
import { createServeWorld, type ServeWorld } from './serve-acts.ts'
import { recordStatements } from './statements.ts'

/** The dialects whose floor there is. */
export const servedDialects = ['sqlite', 'postgres'] as const
export type ServedDialect = (typeof servedDialects)[number]

export interface ServeSubject {
  readonly client: Client
  readonly processId: number
}

/** `millrace serve`, one process, and its floor (bench/serve-floor.ts), on one database. */
export interface ServeStage {
  readonly subjects: Readonly<Record<'product' | 'floor', ServeSubject>>
  readonly world: ServeWorld
  /** Of the database, and the product's secrets: for another process that serves it. */
  readonly url: string
  readonly secrets: Readonly<Record<string, string>>
  stop(): Promise<void>
}

export interface ServeStageOptions {
  readonly servers: StartedServers
  readonly directory: string
  readonly lanes: number
  /** Where the product's CPU profile goes; undefined: none is taken. */
  readonly profileDirectory?: string | undefined
}

export async function startServeStage(
  dialect: ServedDialect,
  { servers, directory, lanes, profileDirectory }: ServeStageOptions,
): Promise<ServeStage> {
  const { url } = await createDatabase(dialect, servers, directory)
  const secrets = { ...newServiceSecrets() }
  const flags = profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`]
  const product = await startServe({ url, directory, flags, variables: { ...secrets, LOG_LEVEL: 'warn' } })
  try {
    const world = await createServeWorld(product.client, lanes)
    const floor = await startFloor(dialect, url, secrets.AUTH_KEYS)
    return {
      subjects: { product, floor },
      world,
      url,
      secrets,
      async stop() {
        await Promise.all([product.stop(), floor.stop()])
      },
    }
  } catch (thrown) {
    await product.stop()
    throw thrown
  }
}

interface ServeOptions {
  readonly url: string
  readonly directory: string
  readonly variables: Readonly<Record<string, string>>
  /** Node's own. */
  readonly flags?: readonly string[]
  /** Takes each line of its log; undefined: it goes where this process's does. */
  readonly onLog?: ((line: string) => void) | undefined
}

type Started = ServeSubject & { readonly url: string; stop(): Promise<void> }

/** Starts `millrace serve` on a database that it migrates. */
export async function startServe({ url, directory, variables, flags = [], onLog }: ServeOptions): Promise<Started> {
  const program = join(import.meta.dirname, '../packages/cli/bin/millrace.js')
  const child = spawn(process.execPath, [...flags, program, 'serve', '--migrate', '--port', '0', '--json'], {
    cwd: directory,
    env: { ...process.env, ...variables, DATABASE_URL: url, BCRYPT_COST: '4', SLOW_QUERY_MS: '60000' },
    stdio: ['ignore', 'pipe', onLog === undefined ? 'inherit' : 'pipe'],
  })
  if (onLog !== undefined && child.stderr !== null) readLines(child.stderr, onLog)
  return started(child, (line) => (JSON.parse(line) as { url: string }).url)
}

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  })
}

async function started(child: ChildProcess, urlOf: (line: string) => string): Promise<Started> {
  const exited = once(child, 'exit')
  if (child.stdout === null) throw new Error('a process of the bench has no standard output')
  const told: unknown = await Promise.race([once(child.stdout, 'data'), exited])
  const [first] = Array.isArray(told) ? (told as readonly unknown[]) : []
  if (!(first instanceof Uint8Array)) throw new Error(`a process of the bench ended with ${String(first)}`)
  const url = urlOf(Buffer.from(first).toString().trim())
  const client = openClient(url)
  return {
    url,
    client,
    processId: child.pid ?? 0,
    async stop() {
      client.close()
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function startFloor(dialect: ServedDialect, url: string, authKeys: string): Promise<Started> {
  const target = targetOf(url)
  const database = await openNativeDatabase({ target })
  const statements = await recordStatements(database)
  // The statements are recorded for a caller that may administer.
  await database.transport().run({ text: "update users set role = 'admin'", parameters: [] })
  await database.close()
  const reached =
    target.via === 'file'
      ? target.path
      : target.dialect === 'sqlite'
        ? ''
        : `postgresql://${encodeURIComponent(target.user)}:${encodeURIComponent(target.password)}@${target.host}:${target.port}/${target.database}`
  const secret = authKeys.split(',')[0]?.split(':')[1] ?? ''
  const child = spawn(process.execPath, [join(import.meta.dirname, 'serve-floor.ts')], {
    env: { ...process.env, FLOOR: JSON.stringify({ dialect, database: reached, secret, statements }) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return started(child, (port) => `http://127.0.0.1:${port}`)
}
