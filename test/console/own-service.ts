import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { workspaceRoot } from '../workspace.ts'

/** `millrace dev` on a SQLite file of its own, with an administrator: what pictures and figures are taken of. */
export interface OwnService {
  readonly url: string
  readonly username: string
  readonly password: string
  readonly metricsToken: string
  stop(): Promise<void>
}

const millrace = join(workspaceRoot, 'node_modules/.bin/millrace')

export async function startOwnService(): Promise<OwnService> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-console-'))
  const database = `sqlite:///${join(folder, 'workflows.db')}`
  const environment = { ...process.env, DATABASE_URL: database }
  const state = join(folder, 'state')
  const dev = spawn(millrace, ['dev', '--json', '--port', '0', '--state', state], {
    env: environment,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = new Promise<void>((resolve) => {
    dev.once('exit', () => resolve())
  })
  const stop = async (): Promise<void> => {
    dev.kill('SIGTERM')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const answer = await firstOutput(dev.stdout)
    const { url } = JSON.parse(answer) as { url?: string }
    if (url === undefined) throw new Error(`dev did not start: ${answer}`)
    const [username, password] = ['ada', 'correct horse battery']
    execFileSync(millrace, ['user', 'add', username, '--email', 'ada@example.com', '--admin'], {
      env: environment,
      input: `${password}\n`,
    })
    const [, metricsToken = ''] = /^METRICS_TOKEN=(.*)$/m.exec(readFileSync(join(state, 'secrets.env'), 'utf8')) ?? []
    return { url, username, password, metricsToken, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** One JSON document, which may have several lines. */
async function firstOutput(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const line of createInterface({ input: stream })) {
    text += `${line}\n`
    try {
      JSON.parse(text)
      return text
    } catch {
      // Not whole yet.
    }
  }
  throw new Error(`dev ended before it was ready: ${text}`)
}
