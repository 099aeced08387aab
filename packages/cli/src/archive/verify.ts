import { verifyArchive, type Verdict } from '@millrace/db/archive/verify'
import type { WholeArchive } from '@millrace/db/archive/read'
import { rowCount } from '@millrace/db/archive/digest'
import type { Context } from '../context.ts'
import { startProgress } from '../progress.ts'
import { problemsFailure } from './failure.ts'
import { findInput, readIdentities, type ArchiveInput } from './input.ts'
import { tableLines } from './table-words.ts'

export interface VerifyOptions {
  readonly identity?: string
}

/** `millrace verify FILE` */
export async function verify(context: Context, file: string, options: VerifyOptions): Promise<number> {
  const input = findInput(context, file)
  const identities = readIdentities(context, options.identity)
  const verdict = await verifyInput(context, input, identities)
  if (!verdict.isWhole) return tellDamage(context, input, verdict)
  const { archive } = verdict
  if (archive.head.consistency === 'table') {
    context.output.note('Its tables were read one after another, not at one moment: what refers to what was checked.')
  }
  context.output.result(documentOf(archive), wordsOf(input, archive))
  return 0
}

/** Reads the archive to its end, with progress. */
export async function verifyInput(
  { lifetime }: Context,
  input: ArchiveInput,
  identities: readonly string[],
): Promise<Verdict> {
  const progress = input.bytes === undefined ? undefined : startProgress(input.bytes, 'bytes')
  let told = 0
  try {
    const verdict = await verifyArchive(input.open(), {
      identities,
      onProgress({ bytes }) {
        lifetime.interruption.throwIfAborted()
        progress?.advance(bytes - told, 0)
        told = bytes
      },
    })
    lifetime.interruption.throwIfAborted()
    return verdict
  } finally {
    progress?.end()
  }
}

function tellDamage(
  { output }: Context,
  input: ArchiveInput,
  { fault, problems, opened }: Extract<Verdict, { isWhole: false }>,
): number {
  const failure = problemsFailure(fault, problems, input.shown)
  output.failure(failure, {
    ok: false,
    tables: {},
    createdAt: opened?.head.createdAt ?? null,
    encrypted: opened?.isEncrypted ?? null,
    consistency: opened?.head.consistency ?? null,
    schema: opened?.head.source.schema ?? null,
    problems,
  })
  return failure.exitCode
}

function documentOf({ tables, head, isEncrypted }: WholeArchive): object {
  const { createdAt, consistency, source } = head
  return { ok: true, tables, createdAt, encrypted: isEncrypted, consistency, schema: source.schema, problems: [] }
}

function wordsOf({ shown }: ArchiveInput, { tables, head, isEncrypted }: WholeArchive): string {
  const { createdAt, consistency, source } = head
  return [
    `${shown} is whole: ${rowCount(tables).toLocaleString('en-US')} rows of ${createdAt}, from ${source.dialect} at schema ${source.schema}.`,
    `${isEncrypted ? 'Encrypted' : 'Not encrypted'}, consistency ${consistency}.`,
    ...tableLines(tables),
  ].join('\n')
}
