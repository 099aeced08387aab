import { spawn, type ChildProcess } from 'node:child_process'
import { chownSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Who has nothing but their home. The superuser of a container becomes somebody else for it. */
const ordinaryUser = 65_534
const isSuperuser = process.getuid?.() === 0

export interface Ended {
  readonly exitCode: number
  readonly output: string
}

export interface Running {
  /** What it has printed so far. */
  output(): string
  /** Resolves when the output has it. Rejects when the command ends first, or after ten minutes. */
  until(pattern: RegExp): Promise<RegExpExecArray>
  signal(name: NodeJS.Signals): void
  readonly ended: Promise<Ended>
}

export interface Home {
  readonly folder: string
  /** Starts a line of bash in a folder of the home. */
  start(command: string, options?: { readonly in?: string; readonly env?: Readonly<Record<string, string>> }): Running
  /** Gives everything in the home to its user. */
  readonly own: () => void
  remove(): Promise<void>
}

export interface HomeOptions {
  /** The Node that its commands run on: the machine's own, or the one that runs this. */
  readonly node: 'machine' | 'this'
}

/** An empty home: no settings, no cache of packages, no store. */
export function makeHome({ node }: HomeOptions): Home {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'first-day-')))
  mkdirSync(join(folder, 'tmp'))
  const isAnother = isSuperuser && node === 'machine'
  const running = new Set<ChildProcess>()
  const own = (): void => {
    if (isAnother) chownAll(folder)
  }
  own()
  return {
    folder,
    own,
    start(command, { in: below = '', env = {} } = {}) {
      const child = spawn('bash', ['--norc', '-o', 'pipefail', '-c', command], {
        cwd: join(folder, below),
        env: { ...plainEnvironment(folder, node), ...env },
        // Open to the end: a server may take its end for the user's.
        stdio: ['pipe', 'pipe', 'pipe'],
        // A group of its own, which a signal reaches as Ctrl-C does.
        detached: true,
        ...(isAnother ? { uid: ordinaryUser, gid: ordinaryUser } : {}),
      })
      running.add(child)
      child.once('close', () => running.delete(child))
      return follow(child)
    },
    async remove() {
      const ends = [...running].map((child) => new Promise((resolve) => child.once('close', resolve)))
      for (const child of running) signalGroup(child, 'SIGTERM')
      await Promise.all(ends)
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function plainEnvironment(folder: string, node: HomeOptions['node']): Record<string, string> {
  const machine = (process.env['PATH'] ?? '').split(':').filter((entry) => !entry.includes('node_modules'))
  const path = node === 'this' ? [dirname(realpathSync(process.execPath)), ...machine] : machine
  // Without them a machine behind a proxy reaches no registry.
  const certificates = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    ...Object.fromEntries(certificates),
    ...{ PATH: path.join(':'), HOME: folder, TMPDIR: join(folder, 'tmp'), LANG: 'C.UTF-8', NO_COLOR: '1' },
    ...{ npm_config_fund: 'false', npm_config_audit: 'false', npm_config_update_notifier: 'false' },
  }
}

const patienceMilliseconds = 600_000

function follow(child: ChildProcess): Running {
  let output = ''
  const waiting = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      for (const look of waiting) look()
    })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    // As a shell counts the end by a signal.
    child.once('close', (code, signal) =>
      resolve({ exitCode: code ?? 128 + constants.signals[signal ?? 'SIGKILL'], output }),
    )
  })
  return {
    output: () => output,
    ended,
    signal: (name) => signalGroup(child, name),
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => fail('it did not come in ten minutes'), patienceMilliseconds)
        const look = (): void => {
          const found = pattern.exec(output)
          if (found !== null) settle(() => resolve(found))
        }
        const fail = (why: string): void => settle(() => reject(new Error(`${pattern}: ${why}:\n${output}`)))
        const settle = (done: () => void): void => {
          clearTimeout(timer)
          waiting.delete(look)
          done()
        }
        waiting.add(look)
        void ended.then(() => fail('the command ended'))
        look()
      }),
  }
}

function signalGroup({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, name)
  } catch {
    // It has ended.
  }
}

function chownAll(folder: string): void {
  chownSync(folder, ordinaryUser, ordinaryUser)
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (!entry.isSymbolicLink()) chownSync(join(entry.parentPath, entry.name), ordinaryUser, ordinaryUser)
}
