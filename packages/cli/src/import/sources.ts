import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Failure } from '../failure.ts'

/** A file to import: `shown` as the caller wrote it, for output; `path` absolute. */
export interface Source {
  readonly shown: string
  readonly path: string
}

/**
 * The files that the paths name: a file as it is, of a directory its `*.json`, by name. A file named twice is one.
 * Throws a Failure for a path that is not there and for a directory without such files.
 */
export function findSources(paths: readonly string[], callerDirectory: string): readonly Source[] {
  const sources = new Map<string, Source>()
  for (const shown of paths) {
    for (const source of sourcesOf({ shown, path: resolve(callerDirectory, shown) })) {
      const identity = identityOf(source.path)
      if (!sources.has(identity)) sources.set(identity, source)
    }
  }
  return [...sources.values()]
}

/** The file behind all its names. */
function identityOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : path
}

function sourcesOf(source: Source): readonly Source[] {
  // As bigints: after numbers of a pipe, Node resolves no symbolic link for a module that it loads next.
  const stats = statSync(source.path, { throwIfNoEntry: false, bigint: true })
  if (stats === undefined) {
    throw new Failure('file_missing', {
      what: `There is no ${source.shown}.`,
      why: 'A path to import must be a file or a directory.',
      fix: 'Correct the path; relative ones are relative to where the command was called.',
    })
  }
  if (stats.isFile()) return [source]
  if (!stats.isDirectory()) {
    throw new Failure('file_missing', {
      what: `${source.shown} is neither a file nor a directory.`,
      why: 'Each file is read twice, to check it and to write it; a pipe or a device can be read but once.',
      fix: 'Write its content to a file, and import that.',
    })
  }
  const files = readdirSync(source.path)
    // As a shell reads `*.json`: hidden files (macOS's `._flow.json`) are not meant.
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .toSorted()
    .map((name) => ({ shown: join(source.shown, name), path: join(source.path, name) }))
    // A link to nothing stays: reading it fails, and that is said.
    .filter(({ path }) => statSync(path, { throwIfNoEntry: false, bigint: true })?.isFile() !== false)
  if (files.length > 0) return files
  throw new Failure('file_missing', {
    what: `${source.shown} holds no *.json file.`,
    why: "Of a directory its own *.json files are imported, not its subfolders'.",
    fix: 'Name the directory that holds them, or the files.',
  })
}
