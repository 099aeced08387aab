import type { UserCaller } from '@millrace/db/access/access'
import { Argument, type Command } from 'commander'
import { chooseDatabase, connect, refuseMissing, type ChosenDatabase } from '../connection.ts'
import type { Context } from '../context.ts'
import { openDeployment } from '../deployment/deployment.ts'
import { refuseTwoPlaces, withUrlOption, type PlaceOptions } from '../deployment/options.ts'
import { asFailure, Failure, Interrupted } from '../failure.ts'
import { readDefinition } from '../import/definition.ts'
import { findSources, type Source } from '../import/sources.ts'
import type { CheckedFile, Imported, ImportTarget } from '../import/write.ts'
import { parseGiven, withDatabaseOption } from '../options.ts'
import { printable } from '../printable.ts'
import type { AddCommand } from '../command.ts'
import { startProgress } from '../progress.ts'

interface ImportOptions extends PlaceOptions {
  readonly owner?: string
  readonly skipBad?: boolean
}

interface Skipped {
  readonly file: string
  readonly reason: string
}

const examples = `
Creates one workflow per file, with the file's exact text as its definition. The name is the file's "name" member, else
the file name. All files are checked before anything is written. They are written in batches of up to 100 files or 8 MiB;
a batch is written as a whole or not at all. With --url, the workflows belong to the user of the API key.

Examples:
  millrace import ./flows --owner ada
  millrace import ./flows --url https://millrace.example.workers.dev
  millrace import flow.json n8n-export.json --owner ada --skip-bad --json`

export const importCommand: AddCommand = (parent: Command, run) => {
  withUrlOption(withDatabaseOption(parent.command('import').description('create workflows from JSON files')))
    .addArgument(
      new Argument('<path...>', 'a JSON file, or a directory of them').argParser(
        (path: string, paths: readonly string[] | undefined) => [...(paths ?? []), parseGiven(path)],
      ),
    )
    .option('--owner <name>', 'the owner of the new workflows (required without --url)')
    .option('--skip-bad', 'skip files that cannot be imported, and list them')
    .addHelpText('after', examples)
    .action((paths: string[], options: ImportOptions) => run((context) => importFiles(context, paths, options)))
}

async function importFiles(context: Context, paths: readonly string[], options: ImportOptions): Promise<number> {
  const open = await chooseTarget(context, options)
  const sources = findSources(paths, context.directories.caller)
  const checked = checkAll(sources)
  if (checked.skipped.length > 0 && options.skipBad !== true) return refuse(context, checked.skipped)
  const target = await open()
  const { files, skipped } = withoutTooLarge(checked, target)
  if (skipped.length > 0 && options.skipBad !== true) return refuse(context, skipped)
  const imported: Imported[] = []
  try {
    await writeAll(context, target, files, imported)
  } catch (error) {
    return reportBreak(context, error, imported, { skipped, total: files.length })
  }
  context.output.result({ imported, skipped }, resultWords(imported, skipped, target.username))
  return 0
}

/** What can be found wrong before the files are read is found here; opening waits until they are. */
async function chooseTarget(context: Context, options: ImportOptions): Promise<() => Promise<ImportTarget>> {
  refuseTwoPlaces(options)
  const { owner, url } = options
  if (url !== undefined) {
    const deployment = openDeployment(context, url)
    return async () => (await import('../import/deployment.ts')).openDeploymentTarget(deployment, owner)
  }
  if (owner === undefined) {
    throw new Failure('usage', {
      what: 'The arguments are wrong.',
      why: "required option '--owner <name>' not specified",
      fix: 'Name the user that the workflows will belong to; see `millrace import --help`.',
    })
  }
  const chosen = chooseDatabase(context, options.database)
  refuseMissing(context, chosen)
  return () => openDatabaseTarget(context, chosen, owner)
}

async function openDatabaseTarget(context: Context, chosen: ChosenDatabase, ownerName: string): Promise<ImportTarget> {
  const { database } = await connect(context, chosen)
  const store = database.store()
  const { findUser } = await import('../users.ts')
  const { limitsOfImport, writeChunk } = await import('../import/write.ts')
  const user = await findUser(store, ownerName)
  const owner: UserCaller = { kind: 'user', userId: user.id, issuedAt: new Date(), mayAdminister: false }
  const { username } = user
  const limits = limitsOfImport(database.transport().limits)
  return { username, ...limits, write: (files) => writeChunk(store, owner, files) }
}

interface Checked {
  readonly files: readonly CheckedFile[]
  readonly skipped: readonly Skipped[]
}

/** How large a file may be is known only of a database that was opened. */
function withoutTooLarge({ files, skipped }: Checked, { maxFileBytes }: ImportTarget): Checked {
  if (maxFileBytes === undefined) return { files, skipped }
  const tooLarge = files.filter(({ bytes }) => bytes > maxFileBytes)
  const reasons = tooLarge.map(({ source, bytes }) => ({
    file: source.shown,
    reason: `It has ${bytes.toLocaleString('en-US')} bytes, and this database takes at most ${maxFileBytes.toLocaleString('en-US')}.`,
  }))
  return { files: files.filter((file) => !tooLarge.includes(file)), skipped: [...skipped, ...reasons] }
}

function checkAll(sources: readonly Source[]): Checked {
  const files: CheckedFile[] = []
  const skipped: Skipped[] = []
  for (const source of sources) {
    const read = readDefinition(source)
    if (read.ok) {
      const { name, bytes, sha256 } = read.definition
      files.push({ source, name, bytes, sha256 })
    } else skipped.push({ file: source.shown, reason: read.reason })
  }
  return { files, skipped }
}

function refuse({ output }: Context, skipped: readonly Skipped[]): number {
  const failure = new Failure('rows_refused', {
    what: `${skipped.length === 1 ? 'A file' : `${skipped.length} files`} cannot be imported; nothing was written.`,
    why: skipped.map(skippedLine).join('\n'),
    fix: 'Correct or remove these files, or skip them with --skip-bad.',
  })
  output.failure(failure, { ok: false, imported: [], skipped })
  return failure.exitCode
}

async function writeAll(
  { lifetime }: Context,
  { chunkBytes, write }: ImportTarget,
  files: readonly CheckedFile[],
  imported: Imported[],
): Promise<void> {
  const { chunksOf } = await import('../import/write.ts')
  const progress = startProgress(files.length, 'files')
  try {
    for (const chunk of chunksOf(files, chunkBytes)) {
      lifetime.interruption.throwIfAborted()
      imported.push(...(await write(chunk)))
      progress.advance(
        chunk.length,
        chunk.reduce((sum, { bytes }) => sum + bytes, 0),
      )
    }
  } finally {
    progress.end()
  }
}

/** Nothing half done without saying so: what was written stays, and is named. */
function reportBreak(
  { output }: Context,
  error: unknown,
  imported: readonly Imported[],
  { skipped, total }: { readonly skipped: readonly Skipped[]; readonly total: number },
): number {
  if (error instanceof Interrupted && imported.length === 0) throw error
  const failure = error instanceof Interrupted ? interruptedFailure() : asFailure(error)
  if (imported.length === 0) throw failure
  const partial = new Failure(failure.code, {
    what: `The import stopped: ${imported.length} of ${total} files were written, the rest were not.`,
    why: `${failure.words.what} ${failure.words.why}`,
    fix: `${failure.words.fix} Then import the files after ${printable(imported.at(-1)?.file ?? '')}.`,
  })
  output.failure(partial, { ok: false, imported, skipped })
  if (!output.isJson) output.note(imported.map(importedLine).join('\n'))
  if (error instanceof Interrupted) throw error
  return failure.exitCode
}

function interruptedFailure(): Failure {
  return new Failure('internal', {
    what: 'It was interrupted.',
    why: 'A signal asked the command to end.',
    fix: 'Nothing is damaged.',
  })
}

function importedLine({ id, name, file }: Imported): string {
  return `  ${id}  ${printable(name)}  (${printable(file)})`
}

function skippedLine({ file, reason }: Skipped): string {
  return `${printable(file)}: ${printable(reason)}`
}

function resultWords(imported: readonly Imported[], skipped: readonly Skipped[], owner: string): string {
  const lines = [
    `Imported ${imported.length} ${imported.length === 1 ? 'workflow' : 'workflows'} for ${printable(owner)}.`,
  ]
  lines.push(...imported.map(importedLine))
  if (skipped.length > 0) lines.push('Skipped:', ...skipped.map((entry) => `  ${skippedLine(entry)}`))
  return lines.join('\n')
}
