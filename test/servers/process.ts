import { spawn } from 'node:child_process'
import { createServer } from 'node:net'

export interface ServerProcess {
  /** Sends the stop signal, and SIGKILL when that is not heeded; resolves when the process is gone. */
  stop(): Promise<void>
  /** Sends SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
}

export interface ServerCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly directory: string
  /** What the server says on standard error when it takes connections. */
  readonly readyLine: RegExp
  readonly stopSignal: NodeJS.Signals
  /** Aborted when the server is no longer wanted, though it has not started yet. */
  readonly unwanted: AbortSignal
  readonly environment?: Readonly<Record<string, string>>
  /** User and group to run as; its own when absent. */
  readonly userId?: number | undefined
}

const startTimeoutMilliseconds = 30_000
const stopTimeoutMilliseconds = 10_000
const keptLogCharacters = 8_192

/** Starts a server and waits for its ready line. Rejects with the end of its log when it exits before that. */
export async function startProcess(server: ServerCommand): Promise<ServerProcess> {
  server.unwanted.throwIfAborted()
  const child = spawn(server.command, server.args, {
    cwd: server.directory,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...server.environment },
    ...(server.userId === undefined ? {} : { uid: server.userId, gid: server.userId }),
  })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve()
    })
  })
  const stop = async (): Promise<void> => {
    child.kill(server.stopSignal)
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMilliseconds)
    await exited
    clearTimeout(timer)
  }
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  return new Promise((resolve, reject) => {
    let log = ''
    const fail = (happened: string): void => {
      reject(new Error(`${server.command} ${happened} before it was ready:\n${log}`))
    }
    const timer = setTimeout(() => {
      fail(`took more than ${startTimeoutMilliseconds} ms`)
      child.kill('SIGKILL')
    }, startTimeoutMilliseconds)
    server.unwanted.addEventListener('abort', () => child.kill(server.stopSignal))
    child.stderr.setEncoding('utf8')
    child.stderr.on('data', (text: string) => {
      log = (log + text).slice(-keptLogCharacters)
      if (!server.readyLine.test(log)) return
      clearTimeout(timer)
      resolve({ stop, kill })
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      fail(`ended with ${signal ?? code}`)
    })
  })
}

/** A loopback port that nothing listened on a moment ago. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('the probe listens on no port'))
        else resolve(address.port)
      })
    })
  })
}
