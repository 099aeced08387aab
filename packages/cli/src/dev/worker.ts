import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { wranglerState } from '../d1/state.ts'
import { Failure } from '../failure.ts'
import { localConnectionVariable } from '../hyperdrive.ts'
import { d1Configuration, localD1, movedConfiguration, withAssetsApart, withoutD1 } from '../wrangler-configuration.ts'
import { wranglerScript } from '../wrangler-program.ts'
import { markName } from './leftovers.ts'
import { writePrivateFile } from './state.ts'

export interface WorkerSettings {
  readonly workspace: string
  readonly stateDirectory: string
  readonly envFile: string
  readonly host: string
  readonly port: number
  /** Value of MILLRACE_DEV_RUN in its environment. */
  readonly mark: string
  /** A Hyperdrive binding, whether wrangler.toml has it, and where it leads on this machine. */
  readonly hyperdrive:
    | { readonly binding: string; readonly isConfigured: boolean; readonly connectionString: string }
    | undefined
  /** Names under which local D1 databases are bound to the functions. */
  readonly d1Bindings: readonly string[]
  /** Gets wrangler's lines once the worker answers; earlier ones only if it never does. */
  readonly log: (line: string) => void
}

/** `wrangler dev` and what it started. */
export interface Worker {
  /** Resolves with the exit code when it ended, by itself or by `close`. */
  readonly ended: Promise<number>
  /** Whether it met a port taken that wrangler had chosen itself, and found free a moment before. */
  lostInnerPort(): boolean
  /** Its last lines, for the reason of an end. */
  lastLines(): string
  /** From now on lines go to the log. */
  showLog(): void
  close(): Promise<void>
}

const keptLines = 40
const closeMilliseconds = 8000

/** Beside this file, also where both are bundled. */
const guardScript = fileURLToPath(new URL(`guard${extname(import.meta.url)}`, import.meta.url))

/**
 * `dev` has configurations of its own in the state directory. In a clone it builds what a debugger can read, into a folder
 * of its own; an installed package holds what is deployed. The assets are a Worker of their own: in front of a Worker that
 * has some, wrangler's development server puts another one, through which every request would pass.
 * @returns the paths of the configurations, the functions' own first
 */
function writeConfigurations({ workspace, stateDirectory, hyperdrive, d1Bindings }: WorkerSettings): readonly string[] {
  const isClone = existsSync(join(workspace, 'functions/src'))
  const moved = movedConfiguration(workspace, `functions/${isClone ? 'dist-dev' : 'dist'}`, ' --dev')
  const { functions, assets } = withAssetsApart(withoutD1(moved))
  const isBound = hyperdrive === undefined || hyperdrive.isConfigured
  const binding = isBound ? '' : `\n[[hyperdrive]]\nbinding = ${JSON.stringify(hyperdrive.binding)}\nid = "local"\n`
  const bound = d1Bindings.map((name) => d1Configuration(localD1(name)))
  const texts = { 'wrangler.toml': `${functions}${binding}${bound.join('')}`, 'assets.toml': assets }
  return Object.entries(texts).map(([name, text]) => {
    const path = join(stateDirectory, name)
    writePrivateFile(path, text)
    return path
  })
}

function wranglerArguments(settings: WorkerSettings): string[] {
  const { stateDirectory, envFile, host, port } = settings
  return [
    wranglerScript(),
    'dev',
    ...writeConfigurations(settings).map((path) => `--config=${path}`),
    `--ip=${host}`,
    `--port=${port}`,
    `--env-file=${envFile}`,
    `--persist-to=${wranglerState(stateDirectory)}`,
    '--show-interactive-dev-session=false',
  ]
}

/** Whether wrangler says that a port was taken which it had chosen itself: those sockets are called `direct:N:…`. */
export function saysInnerPortTaken(line: string): boolean {
  return /Address already in use.*"direct:\d/.test(line)
}

export function startWorker(settings: WorkerSettings): Worker {
  const guard = spawn(process.execPath, [guardScript, ...wranglerArguments(settings)], {
    cwd: settings.stateDirectory,
    // A group of its own: Ctrl-C must reach dev alone, which ends things in order.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      [markName]: settings.mark,
      // In its environment, not in its configuration: the password stands in no file.
      ...(settings.hyperdrive === undefined
        ? {}
        : {
            [`${localConnectionVariable}${settings.hyperdrive.binding}`]: settings.hyperdrive.connectionString,
          }),
      WRANGLER_SEND_METRICS: 'false',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      WRANGLER_HIDE_BANNER: 'true',
      WRANGLER_REGISTRY_PATH: join(settings.stateDirectory, 'registry'),
      CI: process.env['CI'] ?? '1',
    },
  })
  const lines: string[] = []
  let isShown = false
  for (const stream of [guard.stdout, guard.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (isShown) settings.log(line)
      lines.push(line)
      if (lines.length > keptLines) lines.shift()
    })
  }
  guard.stdin.on('error', () => undefined)
  const ended = new Promise<number>((resolve) => {
    guard.once('error', () => resolve(1))
    guard.once('exit', (code) => resolve(code ?? 1))
  })
  return {
    ended,
    lostInnerPort: () => lines.some(saysInnerPortTaken),
    lastLines: () => lines.filter((line) => line.trim() !== '').join('\n'),
    showLog: () => {
      isShown = true
    },
    async close() {
      guard.stdin.end()
      const timeout = setTimeout(() => killGroup(guard.pid), closeMilliseconds)
      await ended
      clearTimeout(timeout)
    },
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group ended in between.
  }
}

export function workerFailure(worker: Worker, exitCode: number): Failure {
  return new Failure('internal', {
    what: `wrangler dev ended by itself with exit code ${exitCode}.`,
    why: worker.lastLines() || 'It said nothing.',
    fix: 'Correct what it says and start again.',
  })
}

const readyMilliseconds = 60_000
const pollMilliseconds = 100

/** Waits until the functions answer `/readyz` with 200. Throws a Failure when they end or never get there. */
export async function untilReady(worker: Worker, url: string, interruption: AbortSignal): Promise<void> {
  const deadline = Date.now() + readyMilliseconds
  let lastAnswer = 'It did not answer.'
  while (Date.now() < deadline) {
    interruption.throwIfAborted()
    const answer = await Promise.race([ask(`${url}/readyz`), worker.ended])
    if (typeof answer === 'number') throw workerFailure(worker, answer)
    if (worker.lostInnerPort()) throw workerFailure(worker, 1)
    if (answer?.status === 200) return
    if (answer !== undefined) lastAnswer = `${answer.status} ${answer.text}`
    await Promise.race([delay(pollMilliseconds), worker.ended])
  }
  throw new Failure('internal', {
    what: `The functions were not ready within ${readyMilliseconds / 1000} seconds.`,
    why: `/readyz: ${lastAnswer}\n${worker.lastLines()}`,
    fix: 'Correct what it says and start again.',
  })
}

async function ask(url: string): Promise<{ status: number; text: string } | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) })
    return { status: response.status, text: await response.text() }
  } catch {
    // Not listening yet.
    return undefined
  }
}

/** The docs page's URL when it is really there. */
export async function findDocs(url: string): Promise<string | null> {
  const answer = await ask(`${url}/docs`)
  return answer?.status === 200 ? `${url}/docs` : null
}
