import { fork, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { endOfRun, runVariable, type ServersMessage, type StartedServers } from './servers/protocol.ts'
import { buildWorker, type BuiltWorker, type UnbuiltWorker } from './servers/worker.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Everything that a test writes outside its database goes below this folder, which is removed at the end. */
    directory: string
    servers: StartedServers
    worker: BuiltWorker | UnbuiltWorker
  }
}

/** Starts the servers of a run and builds the Worker, once for all test files, and ends them with it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'))
  // PostgreSQL runs as another user when this is root.
  chmodSync(directory, 0o711)
  const runId = randomUUID()
  const servers = fork(join(import.meta.dirname, 'servers/main.ts'), [directory, runId], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const [started, worker] = await Promise.all([waitUntilStarted(servers), buildWorker(join(directory, 'worker'))])
  project.provide('directory', directory)
  project.provide('servers', started)
  project.provide('worker', worker)
  process.env[runVariable] = runId
  return async () => {
    const exited = once(servers, 'exit')
    servers.send(endOfRun, () => {
      servers.disconnect()
    })
    await exited
  }
}

function waitUntilStarted(servers: ChildProcess): Promise<StartedServers> {
  return new Promise((resolve, reject) => {
    servers.once('message', (message: ServersMessage) => {
      if ('started' in message) resolve(message.started)
      else {
        servers.disconnect()
        reject(new Error(`The test servers did not start:\n${message.failed}`))
      }
    })
    servers.once('exit', (code) => {
      reject(new Error(`The test servers' process ended with ${code} before they were up`))
    })
  })
}
