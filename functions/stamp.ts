import { createHash } from 'node:crypto'
import { globSync, mkdirSync, openSync, closeSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { put } from './bundle.ts'

const workspace = join(import.meta.dirname, '..')
/** The digest of what the files of a folder were built from. */
const stampName = 'built-from'

/** Of the files that these patterns name, with their names. */
export function digestOf(sources: readonly string[]): string {
  const hash = createHash('sha256')
  const files = globSync(sources, { cwd: workspace, withFileTypes: true }).filter((entry) => entry.isFile())
  for (const path of files.map((entry) => join(entry.parentPath, entry.name)).toSorted()) {
    const content = readFileSync(path)
    hash.update(`${path.slice(workspace.length)} ${content.length}\n`).update(content)
  }
  return hash.digest('hex')
}

export function isBuiltFrom(directory: string, digest: string): boolean {
  return textOf(join(directory, stampName)) === digest
}

export function noteBuiltFrom(directory: string, digest: string): void {
  put(join(directory, stampName), Buffer.from(digest))
}

export function forgetBuiltFrom(directory: string): void {
  rmSync(join(directory, stampName), { force: true })
}

const longestWaitMilliseconds = 60_000
const pollMilliseconds = 50

/** Runs `build` while no other process runs one for this folder. One that was killed is not waited for. */
export async function alone(directory: string, build: () => Promise<void>): Promise<void> {
  const path = join(directory, 'building')
  mkdirSync(directory, { recursive: true })
  const deadline = Date.now() + longestWaitMilliseconds
  while (!hasTaken(path)) {
    if (isAlive(Number(textOf(path))) && Date.now() < deadline) await delay(pollMilliseconds)
    else rmSync(path, { force: true })
  }
  try {
    await build()
  } finally {
    rmSync(path, { force: true })
  }
}

function hasTaken(path: string): boolean {
  try {
    const file = openSync(path, 'wx')
    writeSync(file, String(process.pid))
    closeSync(file)
    return true
  } catch {
    // Another one has it.
    return false
  }
}

/** An empty file is one whose maker has not written its number yet, or never will. */
function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Not there yet.
    return undefined
  }
}
