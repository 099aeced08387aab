import { newId } from '@millrace/api/ids'
import type { DocumentText } from '@millrace/db/document'
import type { UserCaller } from '@millrace/db/access/access'
import { createWorkflows, type NewWorkflow } from '@millrace/db/repositories/workflows/create'
import type { TransportLimits } from '@millrace/db/sql/transport'
import type { Store } from '@millrace/db/store/store'
import { Failure } from '../failure.ts'
import { readDefinition, type Definition } from './definition.ts'
import type { Source } from './sources.ts'

/** A file that was checked: what is written must still be the same bytes. */
export interface CheckedFile extends Omit<Definition, 'text'> {
  readonly source: Source
}

export interface Imported {
  readonly file: string
  readonly id: string
  readonly name: string
}

/** Writes a batch of workflows, all or none. Throws a Failure or a DatabaseError when none was written. */
export type WriteChunk = (files: readonly CheckedFile[]) => Promise<readonly Imported[]>

/** Where workflows are written to, as one user. */
export interface ImportTarget {
  readonly username: string
  /** The most that a batch may hold, in bytes of the files. */
  readonly chunkBytes: number
  /** The most that a file may hold, in bytes; undefined where nothing but memory limits it. */
  readonly maxFileBytes?: number | undefined
  readonly write: WriteChunk
}

/** The most that one atomic batch takes: the API's own limit of items, and what databases take in one request. */
const maxChunkItems = 100
export const databaseChunkBytes = 8 * 1024 * 1024

/** What a row has beside a definition: a name of 255 characters, and its key, which may be 18 times as long. */
const bytesBesideDefinition = 100_000

/** What a database takes of definitions at once: half of a statement, since names and escapes go with them. */
export function limitsOfImport({
  maxStatementBytes,
  maxRowBytes,
}: TransportLimits): Pick<ImportTarget, 'chunkBytes' | 'maxFileBytes'> {
  return {
    chunkBytes: Math.min(databaseChunkBytes, Math.floor(maxStatementBytes / 2)),
    maxFileBytes: maxRowBytes === undefined ? undefined : maxRowBytes - bytesBesideDefinition,
  }
}

/** Files in the batches in which they are written, in order. A file larger than a batch is one of its own. */
export function chunksOf(
  files: readonly CheckedFile[],
  maxChunkBytes: number = databaseChunkBytes,
): readonly (readonly CheckedFile[])[] {
  const chunks: CheckedFile[][] = []
  let bytes = 0
  for (const file of files) {
    const last = chunks.at(-1)
    if (last === undefined || last.length === maxChunkItems || bytes + file.bytes > maxChunkBytes) {
      chunks.push([file])
      bytes = file.bytes
    } else {
      last.push(file)
      bytes += file.bytes
    }
  }
  return chunks
}

/** Writes one batch of workflows, all or none. Throws a Failure or a DatabaseError when none was written. */
export async function writeChunk(
  store: Store,
  owner: UserCaller,
  files: readonly CheckedFile[],
): Promise<readonly Imported[]> {
  const createdAt = new Date()
  const items = files.map((file) => itemOf(file, createdAt))
  const [first, ...others] = items
  if (first === undefined) return []
  const outcome = await createWorkflows(store, owner, [first, ...others])
  if (!outcome.ok) throw ownerFailure('refusal' in outcome ? outcome.refusal : 'internal')
  return items.map(({ id, name }, position) => ({ file: files[position]?.source.shown ?? '', id, name }))
}

function itemOf(file: CheckedFile, createdAt: Date): NewWorkflow {
  return {
    id: newId(createdAt),
    versionId: newId(createdAt),
    name: file.name,
    description: null,
    definition: readAgain(file),
    isPublic: false,
    createdAt,
  }
}

/** Read again rather than kept: all the files together may be larger than memory. */
export function readAgain({ source, sha256 }: CheckedFile): DocumentText {
  const read = readDefinition(source)
  if (!read.ok || read.definition.sha256 !== sha256) {
    throw new Failure('rows_refused', {
      what: `${source.shown} changed during the import.`,
      why: read.ok ? 'Its content is not what was checked.' : read.reason,
      fix: 'Import it again when nothing writes to it.',
    })
  }
  return read.definition.text
}

function ownerFailure(refusal: string): Failure {
  if (refusal === 'account_disabled') {
    return new Failure('account_disabled', {
      what: 'The owner is disabled.',
      why: 'A disabled user can be given no workflows.',
      fix: 'Run `millrace user enable NAME` first, or name another owner.',
    })
  }
  return new Failure('internal', {
    what: 'The database refused the workflows.',
    why: `It answered ${refusal}.`,
    fix: 'Run the command again.',
  })
}
