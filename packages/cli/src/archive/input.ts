import { createReadStream, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { addAbortSignal, Readable } from 'node:stream'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { printable } from '../printable.ts'

/** An archive to read: a file, which can be read again, or standard input or a pipe, which can't. */
export interface ArchiveInput {
  /** As given, for people. */
  readonly shown: string
  /** Undefined for what can be read but once. */
  readonly bytes: number | undefined
  open(): ReadableStream<Uint8Array>
}

const readAtOnceBytes = 256 * 1024

/** @param file a path relative to the caller's directory, or `-` */
export function findInput({ directories, lifetime }: Context, file: string): ArchiveInput {
  // Whoever writes to it may write nothing for long: an interruption does not wait for that.
  const standardInput = () => webStream(addAbortSignal(lifetime.interruption, process.stdin))
  if (file === '-') return { shown: 'Standard input', bytes: undefined, open: standardInput }
  const path = resolve(directories.caller, file)
  return {
    shown: printable(file),
    bytes: sizeOf(path),
    open: () => webStream(createReadStream(path, { highWaterMark: readAtOnceBytes })),
  }
}

/** Undefined for a pipe, such as bash's `<(…)`. */
function sizeOf(path: string): number | undefined {
  try {
    // As bigints: after numbers of a pipe, Node resolves no symbolic link for a module that it loads next.
    const found = statSync(path, { bigint: true })
    if (!found.isDirectory()) return found.isFile() ? Number(found.size) : undefined
  } catch (error) {
    throw missing(path, error instanceof Error ? error.message : String(error))
  }
  throw missing(path, 'It is a directory.')
}

function missing(path: string, why: string): Failure {
  return new Failure('file_missing', {
    what: `The file ${printable(path)} cannot be read.`,
    why: printable(why),
    fix: 'Correct the path.',
  })
}

function webStream(stream: Readable): ReadableStream<Uint8Array> {
  return Readable.toWeb(stream)
}

/**
 * The identities that open an encrypted archive: of a file as `age-keygen` writes it, else BACKUP_IDENTITY, else none.
 * @throws Failure when there is no such file, or no identity in it
 */
export function readIdentities(context: Context, identityFile: string | undefined): readonly string[] {
  if (identityFile === undefined) {
    const { BACKUP_IDENTITY } = context.environment()
    return BACKUP_IDENTITY === undefined ? [] : identitiesIn(BACKUP_IDENTITY, 'BACKUP_IDENTITY')
  }
  const path = resolve(context.directories.caller, identityFile)
  try {
    return identitiesIn(readFileSync(path, 'utf8'), printable(identityFile))
  } catch (error) {
    throw error instanceof Failure ? error : missing(path, error instanceof Error ? error.message : String(error))
  }
}

function identitiesIn(text: string, source: string): readonly string[] {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  if (lines.length > 0 && lines.every((line) => /^AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]+$/.test(line))) return lines
  throw new Failure('settings_invalid', {
    what: `${source} holds no age identity.`,
    why: 'Each line has to be AGE-SECRET-KEY-… or a comment that begins with #.',
    fix: 'Give a file as `age-keygen` or `millrace secrets new` makes the identity.',
  })
}
