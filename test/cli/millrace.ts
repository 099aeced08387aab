import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { inject, onTestFinished, vi } from 'vitest'

export const workspace = join(import.meta.dirname, '../..')

export interface Call {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** What standard input holds; it is empty when absent, and stays open for more when null. */
  readonly input?: string | null
  /** In a process group of its own, as a terminal's command is. */
  readonly hasOwnGroup?: boolean
}

export interface Ended {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>
  readonly ended: Promise<Ended>
  stdout(): string
  stderr(): string
}

/** An empty directory that is removed with the test. */
export function emptyDirectory(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-cli-')))
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  })
  return directory
}

/** Only what a shell always has: no setting of the test run reaches the command. Node compiles its code once a run. */
function plainEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '', TMPDIR, NODE_COMPILE_CACHE } = process.env
  return {
    PATH,
    HOME,
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
    ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }),
  }
}

/** Starts any program; it is ended with the test. */
export function start(program: string, args: readonly string[], call: Call): Running {
  const running = launch(program, args, call)
  onTestFinished(async () => {
    running.process.kill('SIGTERM')
    await running.ended
  })
  return running
}

function launch(program: string, args: readonly string[], { cwd, env, input, hasOwnGroup = false }: Call): Running {
  const child = spawn(program, args, {
    cwd,
    env: { ...plainEnvironment(), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: hasOwnGroup,
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.on('error', () => undefined)
  if (input !== null) child.stdin.end(input ?? '')
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode, signal) => {
      resolve({ exitCode, signal, stdout, stderr })
    })
  })
  return { process: child, ended, stdout: () => stdout, stderr: () => stderr }
}

export function startMillrace(args: readonly string[], call: Call): Running {
  return start(process.execPath, [inject('command'), ...args], call)
}

/** Runs the command as it is published to its end; `node_modules/.bin/millrace` runs the same from its sources. */
export function millrace(args: readonly string[], call: Call): Promise<Ended> {
  return launch(process.execPath, [inject('command'), ...args], call).ended
}

export function documentOf({ stdout }: Pick<Ended, 'stdout'>): unknown {
  return JSON.parse(stdout)
}

/** Where a command with `--json` says that it serves, once it says so. */
export async function urlOf(running: Running): Promise<string> {
  await vi.waitFor(
    () => {
      if (!running.stdout().includes('\n')) throw new Error(`it is not ready: ${running.stderr()}`)
    },
    { timeout: 60_000, interval: 50 },
  )
  return (documentOf({ stdout: running.stdout() }) as { url: string }).url
}
