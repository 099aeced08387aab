import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { recordingVariable } from './recording-variable.ts'
import { buildCommand } from './servers/command.ts'
import { makeDataDirectory } from './servers/data-directory.ts'
import { runVariable, type StartedServers } from './servers/protocol.ts'
import { startServers } from './servers/start.ts'
import { buildWorker, type BuiltWorker, type UnbuiltWorker } from './servers/worker.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Everything that a test writes outside its database goes below this folder, which is removed at the end. */
    directory: string
    /** Where databases in files are kept, in memory if there is room. */
    dataDirectory: string
    servers: StartedServers
    worker: BuiltWorker | UnbuiltWorker
    /** The path of the bundled command. */
    command: string
  }
}

/** Starts the servers of a run and builds the Worker and the command, once for all test files, and ends them with it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'))
  // PostgreSQL runs as another user when this is root.
  chmodSync(directory, 0o711)
  const dataDirectory = makeDataDirectory(directory)
  chmodSync(dataDirectory, 0o711)
  const runId = randomUUID()
  const [servers, worker, command] = await Promise.all([
    startServers(directory, runId, dataDirectory),
    // Where the app runs in the tests' own process, nobody waits for a Worker.
    process.env['TEST_WITHOUT_WORKER'] === '1'
      ? { failed: 'this run builds no Worker' }
      : buildWorker(join(directory, 'worker')),
    buildCommand(),
  ])
  project.provide('directory', directory)
  project.provide('dataDirectory', dataDirectory)
  project.provide('servers', servers.started)
  project.provide('worker', worker)
  project.provide('command', command.path)
  process.env[runVariable] = runId
  process.env[recordingVariable] ??= join(directory, 'recording')
  return async () => {
    command.remove()
    await servers.stop()
  }
}
