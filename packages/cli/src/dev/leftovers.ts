import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseMembers } from '../json.ts'
import { findProcess, processesMarked } from '../process-table.ts'
import { writePrivateFile } from './state.ts'

/** Carried by every process below dev's worker and by no other: its value is random. */
export const markName = 'MILLRACE_DEV_RUN'

/** A run of dev, as a later one finds it. */
export interface RunRecord {
  /** Value of MILLRACE_DEV_RUN in its processes' environment. */
  readonly mark: string
  readonly pid: number
  readonly port: number
}

const pollMilliseconds = 50
const graceMilliseconds = 3000

function recordPath(directory: string, port: number): string {
  return join(directory, `dev-${port}.json`)
}

/** The env file of the worker on this port; removed with the record. */
export function envFilePath(directory: string, port: number): string {
  return join(directory, `dev-${port}.env`)
}

export function writeRunRecord(directory: string, record: RunRecord): void {
  writePrivateFile(recordPath(directory, record.port), `${JSON.stringify(record)}\n`)
}

export function removeRunRecord(directory: string, port: number): void {
  rmSync(recordPath(directory, port), { force: true })
  rmSync(envFilePath(directory, port), { force: true })
}

function parseRecord(text: string): RunRecord | undefined {
  try {
    const { mark, pid, port } = parseMembers(text)
    if (typeof mark === 'string' && mark !== '' && typeof pid === 'number' && typeof port === 'number') {
      return { mark, pid, port }
    }
  } catch {
    // A record that is no JSON names no process that could be proven to be dev's.
  }
  return undefined
}

function readRecords(directory: string): RunRecord[] {
  let names: string[]
  try {
    names = readdirSync(directory)
  } catch {
    // No state directory yet: nothing was started from it.
    return []
  }
  return names
    .filter((name) => /^dev-\d+\.json$/.test(name))
    .map((name) => parseRecord(readFileSync(join(directory, name), 'utf8')))
    .filter((record) => record !== undefined)
}

function isRunning({ pid }: RunRecord): boolean {
  return findProcess(pid)?.command.includes('millrace') === true
}

/** The runs of dev that go on from this state directory. */
export function runningDevs(directory: string): readonly RunRecord[] {
  return readRecords(directory).filter(isRunning)
}

/**
 * Ends what runs of dev left behind that died without ending their worker (SIGKILL, out of memory). Only processes with
 * the run's random mark are touched. Gives the number of processes ended.
 */
export async function endLeftovers(directory: string): Promise<number> {
  let ended = 0
  for (const record of readRecords(directory)) {
    if (isRunning(record)) continue
    ended += await endMarked(record.mark)
    removeRunRecord(directory, record.port)
  }
  return ended
}

async function endMarked(mark: string): Promise<number> {
  const pids = processesMarked(markName, mark)
  signalAll(pids, 'SIGTERM')
  const deadline = Date.now() + graceMilliseconds
  while (processesMarked(markName, mark).length > 0 && Date.now() < deadline) await delay(pollMilliseconds)
  signalAll(processesMarked(markName, mark), 'SIGKILL')
  return pids.length
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // It ended in between.
    }
  }
}
