import { randomUUID } from 'node:crypto'
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { wordsOf } from './fault.ts'

/**
 * Makes a directory and those above it, for their owner only. Level by level: Node's `recursive` never ends where a file
 * system answers ENOENT although the directory above is there, as /proc does.
 * @throws Node's error
 */
export async function makeDirectory(path: string): Promise<void> {
  const above = dirname(path)
  if (above !== path && !(await isDirectory(above))) await makeDirectory(above)
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (!(await isDirectory(path))) throw error
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}

/** Makes a directory where it is missing, and writes into it. @returns why that is not possible; undefined when it is */
export async function whyUnwritable(path: string): Promise<string | undefined> {
  const probe = join(path, `.writable-${randomUUID()}`)
  try {
    await makeDirectory(path)
    await writeFile(probe, '', { mode: 0o600 })
    await rm(probe)
    return undefined
  } catch (error) {
    return wordsOf(error)
  }
}
