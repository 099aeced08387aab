import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import type { FailureCode } from '../failure-code.ts'
import { partPath } from '../part-path.ts'
import { printable } from '../printable.ts'

/** Where an archive goes: a file that has its name only when it is whole, or standard output. */
export interface ArchiveOutput {
  readonly shown: string
  /** Absolute; undefined for standard output. */
  readonly path: string | undefined
  write(chunk: Uint8Array): Promise<void>
  /**
   * Puts other bytes in the place of the first ones, where that can be done, and brings all onto the disk.
   * @returns where it can be read back; undefined for standard output
   */
  seal(beginning: Uint8Array | undefined): string | undefined
  /** Gives the file its name. */
  finish(): void
  /** Leaves nothing behind. */
  discard(): void
}

/**
 * @param file a path relative to the caller's directory, or `-`
 * @throws Failure `file_exists`, `file_missing` before anything is written
 */
export function openOutput(
  { directories }: Context,
  file: string,
  { mayReplace }: { readonly mayReplace: boolean },
): ArchiveOutput {
  if (file === '-') return standardOutput()
  const path = resolve(directories.caller, file)
  const found = lookAt(path)
  if (found?.isDirectory() === true) throw isDirectory(path)
  if (found?.isFile() === false) throw isNoFile(path)
  // A link to nothing is there too.
  if (!mayReplace && lstatSync(path, { throwIfNoEntry: false, bigint: true }) !== undefined) throw exists(path)
  // What a link leads to is replaced, not the link.
  return fileOutput(found === undefined ? path : realpathSync(path), { path, shown: printable(file), mayReplace })
}

/** What is there, behind symbolic links. As bigints: after numbers of a pipe, Node resolves no symbolic link. */
function lookAt(path: string) {
  return guarded(path, () => statSync(path, { throwIfNoEntry: false, bigint: true }))
}

function standardOutput(): ArchiveOutput {
  return {
    shown: '-',
    path: undefined,
    write: (chunk) =>
      new Promise((done, fail) => {
        process.stdout.write(chunk, (error) =>
          error === null || error === undefined ? done() : fail(unwritable('standard output', error)),
        )
      }),
    seal: () => undefined,
    finish: () => undefined,
    discard: () => undefined,
  }
}

/** Readable for its owner alone, written beside its final name, synced, then given it. */
function fileOutput(
  place: string,
  { path, shown, mayReplace }: { readonly path: string; readonly shown: string; readonly mayReplace: boolean },
): ArchiveOutput {
  const beside = partPath(place)
  const descriptor = guarded(path, () => openSync(beside, 'wx', 0o600))
  let isOpen = true
  const close = () => {
    if (isOpen) closeSync(descriptor)
    isOpen = false
  }
  return {
    shown,
    path,
    write(chunk) {
      guarded(path, () => {
        for (let at = 0; at < chunk.byteLength;) at += writeSync(descriptor, chunk, at)
      })
      return Promise.resolve()
    },
    seal(beginning) {
      guarded(path, () => {
        if (beginning !== undefined) writeSync(descriptor, beginning, 0, beginning.byteLength, 0)
        fsyncSync(descriptor)
      })
      return beside
    },
    finish() {
      guarded(path, () => {
        close()
        if (mayReplace) renameSync(beside, place)
        else nameOnce(beside, place)
        syncDirectory(dirname(place))
      })
    },
    discard() {
      close()
      rmSync(beside, { force: true })
    },
  }
}

/** A link, unlike a rename, fails when the name was taken in the meantime. */
function nameOnce(beside: string, path: string): void {
  try {
    linkSync(beside, path)
    rmSync(beside)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST') throw exists(path)
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EMLINK') throw error
    if (existsSync(path)) throw exists(path)
    renameSync(beside, path)
  }
}

function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function guarded<Result>(path: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw error instanceof Failure ? error : unwritable(path, error)
  }
}

/** Of what no work can mend; a full disk, say, is another matter. */
const codesOfPlaces: Readonly<Record<string, FailureCode>> = {
  ENOENT: 'file_missing',
  ENOTDIR: 'file_missing',
  EACCES: 'usage',
  EPERM: 'usage',
  EROFS: 'usage',
  ENAMETOOLONG: 'usage',
  ELOOP: 'usage',
}

function unwritable(place: string, error: unknown): Failure {
  const why = printable(error instanceof Error ? error.message : String(error))
  const reason = error instanceof Error && 'code' in error ? String(error.code) : ''
  return new Failure(codesOfPlaces[reason] ?? 'internal', {
    what: `${printable(place)} cannot be written.`,
    why,
    fix: 'Check that the directory exists, its permissions and the free space, or choose another place.',
  })
}

function isDirectory(path: string): Failure {
  return new Failure('file_exists', {
    what: `${printable(path)} is a directory.`,
    why: 'An archive is one file.',
    fix: `Name the file in it: --out ${printable(join(path, 'workflows.millrace'))}.`,
  })
}

/** A rename would put the archive in the place of the device itself, as in that of /dev/null. */
function isNoFile(path: string): Failure {
  return new Failure('file_exists', {
    what: `${printable(path)} is a device or a pipe.`,
    why: 'An archive is written beside its name and then given it, which only a file can be.',
    fix: `Write to standard output: --out - > ${printable(path)}.`,
  })
}

function exists(path: string): Failure {
  return new Failure('file_exists', {
    what: `The file ${printable(path)} already exists.`,
    why: 'It may be the only backup, so it is not overwritten by default.',
    fix: 'Choose another name, or use --force to overwrite it.',
  })
}
