import { join, resolve } from 'node:path'
import { Argument, Option, type Command } from 'commander'
import type { AddCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { refuseTwoPlaces, withUrlOption, type PlaceOptions } from '../deployment/options.ts'
import { asFailure, Failure, Interrupted } from '../failure.ts'
import { fileNames } from '../export/file-names.ts'
import type { ExportSource } from '../export/source.ts'
import { claimFolder, writeWhole } from '../export/write.ts'
import { parseGiven, withDatabaseOption } from '../options.ts'
import { printable } from '../printable.ts'
import { startProgress } from '../progress.ts'

interface ExportOptions extends PlaceOptions {
  readonly owner?: string
  readonly workflow: readonly string[]
  readonly force?: boolean
}

interface Exported {
  readonly file: string
  readonly id: string
  readonly name: string
  readonly versionNumber: number
}

const examples = `
Writes one file per workflow into the directory: the exact text of its newest definition, named after the workflow.
\`millrace import\` reads these files again. With --url, exports the workflows that the API key can list.

Examples:
  millrace export ./flows
  millrace export ./flows --owner ada
  millrace export ./flows --workflow 01a20de7-1ade-7794-bb7e-74abedd65e30 --json
  millrace export ./flows --url https://millrace.example.workers.dev`

export const exportCommand: AddCommand = (parent: Command, run) => {
  withUrlOption(withDatabaseOption(parent.command('export').description('write workflows as JSON files')))
    .addArgument(new Argument('<path>', 'the directory to write them to').argParser(parseGiven))
    .option('--owner <name>', 'only the workflows of this user')
    .addOption(
      new Option('--workflow <id>', 'only this workflow (repeatable)')
        .argParser((id: string, ids: readonly string[]) => [...ids, id])
        .default([], 'all'),
    )
    .option('--force', 'overwrite files that exist')
    .addHelpText('after', examples)
    .action((path: string, options: ExportOptions) => run((context) => exportFiles(context, path, options)))
}

async function exportFiles(context: Context, path: string, options: ExportOptions): Promise<number> {
  refuseTwoPlaces(options)
  const folder = resolve(context.directories.caller, path)
  const { openExportSource } = await import('../export/source.ts')
  const source = await openExportSource(context, options)
  const workflows = await source.list({ owner: options.owner, ids: [...new Set(options.workflow)] })
  const files = fileNames(workflows.map(({ name }) => name))
  claimFolder(folder, files, options.force === true)
  const planned = workflows.map(({ id, name }, position) => ({ id, name, file: files[position] ?? '' }))
  const exported: Exported[] = []
  try {
    await writeAll(context, source, planned, { folder, path, exported })
  } catch (error) {
    return reportBreak(context, error, exported, planned.length)
  }
  context.output.result({ exported }, wordsOf(exported, path))
  return 0
}

interface Place {
  readonly folder: string
  /** The folder as given. */
  readonly path: string
  readonly exported: Exported[]
}

async function writeAll(
  { lifetime, output }: Context,
  source: ExportSource,
  planned: readonly Omit<Exported, 'versionNumber'>[],
  { folder, path, exported }: Place,
): Promise<void> {
  const progress = startProgress(planned.length, 'files')
  try {
    for (const { id, name, file } of planned) {
      lifetime.interruption.throwIfAborted()
      const found = await source.read(id)
      if (found === undefined) {
        output.note(`${printable(name)} (${printable(id)}) was deleted meanwhile.`)
        continue
      }
      writeWhole(join(folder, file), found.definition)
      exported.push({ file: join(path, file), id, name, versionNumber: found.versionNumber })
      progress.advance(1, Buffer.byteLength(found.definition))
    }
  } finally {
    progress.end()
  }
}

/** What was written is whole and stays, and is named. */
function reportBreak({ output }: Context, error: unknown, exported: readonly Exported[], total: number): number {
  if (error instanceof Interrupted) {
    output.note(`Interrupted: ${exported.length} of ${total} files were written, each of them whole.`)
    throw error
  }
  const { code, words, exitCode } = asFailure(error)
  const failure = new Failure(code, {
    what: `The export stopped: ${exported.length} of ${total} files were written, each of them whole.`,
    why: `${words.what} ${words.why}`,
    fix: words.fix,
  })
  output.failure(failure, { ok: false, exported })
  return exitCode
}

function wordsOf(exported: readonly Exported[], path: string): string {
  const count = `${exported.length} ${exported.length === 1 ? 'workflow' : 'workflows'}`
  const lines = exported.map(({ file, versionNumber }) => `  ${printable(file)}  (version ${versionNumber})`)
  return [`Exported ${count} to ${printable(path)}.`, ...lines].join('\n')
}
