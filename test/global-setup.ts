import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { recordingVariable } from './recording-variable.ts'
import { isCi, seedOfRun } from '../scripts/run-seed.ts'
import { buildCommand } from './servers/command.ts'
import { makeDataDirectory } from './servers/data-directory.ts'
import { otherServerNames, runVariable, serverNames, type StartedServers } from './servers/protocol.ts'
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
    /** What short forms are drawn by. */
    seed: string
  }
}

/** What the tests of a run stand on. */
interface Ground {
  provideTo(project: TestProject): void
  remove(): Promise<void>
}

declare global {
  /** Vitest gives each project a copy of this module of its own, so that only the process can hold what they share. */
  // oxlint-disable-next-line no-var -- a global is declared in no other way
  var millraceTestGround: { readonly ground: Promise<Ground>; projects: number } | undefined
}

/** Starts the servers of a run and builds the Worker and the command, once for all projects, and ends them with the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const shared = (globalThis.millraceTestGround ??= { ground: prepare(), projects: 0 })
  shared.projects += 1
  const ground = await shared.ground
  ground.provideTo(project)
  return async () => {
    shared.projects -= 1
    if (shared.projects === 0) await ground.remove()
  }
}

async function prepare(): Promise<Ground> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'))
  // PostgreSQL runs as another user when this is root.
  chmodSync(directory, 0o711)
  const dataDirectory = makeDataDirectory(directory)
  chmodSync(dataDirectory, 0o711)
  const runId = randomUUID()
  const [servers, worker, command] = await Promise.all([
    startServers(directory, runId, dataDirectory, [...serverNames, ...(isCi() ? otherServerNames : [])]),
    // Where the app runs in the tests' own process, nobody waits for a Worker.
    process.env['TEST_WITHOUT_WORKER'] === '1'
      ? { failed: 'this run builds no Worker' }
      : buildWorker(join(directory, 'worker')),
    buildCommand(),
  ])
  const seed = seedOfRun()
  process.stdout.write(`short forms are drawn by TEST_SEED=${seed}; TEST_LONG=1 runs the long ones\n`)
  process.env[runVariable] = runId
  // https://nodejs.org/api/module.html#module-compile-cache: the command and wrangler are started hundreds of times.
  process.env['NODE_COMPILE_CACHE'] ??= join(directory, 'compiled')
  process.env[recordingVariable] ??= join(directory, 'recording')
  return {
    provideTo(project) {
      project.provide('directory', directory)
      project.provide('dataDirectory', dataDirectory)
      project.provide('servers', servers.started)
      project.provide('worker', worker)
      project.provide('command', command.path)
      project.provide('seed', seed)
    },
    async remove() {
      command.remove()
      await servers.stop()
    },
  }
}
