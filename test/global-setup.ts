import { fork, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { endOfRun, runVariable, type ServersMessage, type StartedServers } from './servers/protocol.ts'

declare module 'vitest' {
  interface ProvidedContext {
    servers: StartedServers
  }
}

/** Starts the servers of a run, once for all test files, and ends them with it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const runId = randomUUID()
  const servers = fork(fileURLToPath(new URL('servers/main.ts', import.meta.url)), [runId], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  project.provide('servers', await waitUntilStarted(servers))
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
      else reject(new Error(`The test servers did not start:\n${message.failed}`))
    })
    servers.once('exit', (code) => {
      reject(new Error(`The test servers' process ended with ${code} before they were up`))
    })
  })
}
