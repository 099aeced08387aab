import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { endOfRun, serverNames, type ServerName, type ServersMessage, type StartedServers } from './protocol.ts'

export interface Servers {
  readonly started: StartedServers
  /** Of the process whose children the servers are. */
  readonly processId: number
  stop(): Promise<void>
}

/**
 * Starts the servers in a process of their own, which ends with this one. Everything that they write is below the folder,
 * the servers' data below the second one where it is given; both are removed at the end.
 * @param wanted those that are started; the others are missing
 */
export async function startServers(
  directory: string,
  runId: string,
  dataDirectory = directory,
  wanted: readonly ServerName[] = serverNames,
): Promise<Servers> {
  const servers = fork(join(import.meta.dirname, 'main.ts'), [directory, runId, dataDirectory, ...wanted], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Not the test runner's: its loader has no place in another process.
    execArgv: [],
  })
  const started = await waitUntilStarted(servers)
  return {
    started,
    processId: servers.pid ?? 0,
    async stop() {
      const exited = once(servers, 'exit')
      servers.send(endOfRun, () => {
        servers.disconnect()
      })
      await exited
    },
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
