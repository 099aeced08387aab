import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import { partPath } from '../part-path.ts'
import { printable } from '../printable.ts'

/** Makes the folder where it is missing. Throws a Failure `file_exists` while one of the files is there, before any work. */
export function claimFolder(folder: string, files: readonly string[], mayReplace: boolean): void {
  const stats = statSync(folder, { throwIfNoEntry: false })
  if (stats !== undefined && !stats.isDirectory()) {
    throw new Failure('file_exists', {
      what: `${printable(folder)} is a file.`,
      why: 'Each workflow becomes a file of its own, in a directory.',
      fix: 'Name a directory; it is created if it does not exist.',
    })
  }
  const present = files.find((file) => existsSync(join(folder, file)))
  if (present !== undefined && !mayReplace) {
    throw new Failure('file_exists', {
      what: `The file ${printable(join(folder, present))} already exists.`,
      why: 'A file is not overwritten without being asked to.',
      fix: 'Choose another directory, or use --force to overwrite it.',
    })
  }
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw unwritable(folder, error)
  }
}

/** Writes a file for its owner alone, which has its name only when it is whole. */
export function writeWhole(path: string, text: string): void {
  const beside = partPath(path)
  try {
    const file = openSync(beside, 'wx', 0o600)
    try {
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw unwritable(path, error)
  }
}

function unwritable(path: string, error: unknown): Failure {
  return new Failure('internal', {
    what: `${printable(path)} cannot be written.`,
    why: printable(error instanceof Error ? error.message : String(error)),
    fix: 'Check the directory, its permissions and the free space, or choose another place.',
  })
}
