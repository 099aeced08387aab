import {
  listEntries,
  type Entry,
  type EntryListing,
  type EntryPage,
} from '@millrace/db/repositories/executions/entries'
import { writeCursor, type CursorScope } from '../cursor.ts'
import { done, refuse, type Refused, type Result } from '../result.ts'
import type { UserContext } from './context.ts'
import { startOf, type Page, type PageQuery } from './paging.ts'
import { onceClaimed, permissionToRead } from './standing.ts'

export function listSteps(context: UserContext, id: string, query: PageQuery): Promise<Result<Page<Entry>>> {
  return pageOf(context, id, { of: 'steps', ...query })
}

export function listHistory(context: UserContext, id: string, query: PageQuery): Promise<Result<Page<Entry>>> {
  return pageOf(context, id, { of: 'history', ...query })
}

export function listSignals(
  context: UserContext,
  id: string,
  query: PageQuery & { readonly name?: string | undefined; readonly after?: number | undefined },
): Promise<Result<Page<Entry>>> {
  return pageOf(context, id, { of: 'signals', ...query })
}

/** A step by its key. */
export async function getStep(context: UserContext, id: string, key: string): Promise<Result<Entry>> {
  const found = await readEntries(context, id, { of: 'steps', key, afterSeq: 0, limit: 1 })
  if (!found.ok) return found
  const [step] = found.value.entries
  return step === undefined ? refuse('not_found') : done(step)
}

/** Why the caller can't read a step; undefined when it can. */
export async function checkStep(context: UserContext, id: string, key: string): Promise<Refused | undefined> {
  const step = await getStep(context, id, key)
  return step.ok ? undefined : step
}

/** Some entries, for whoever may read the execution; with the scope `worker` alone, once it was claimed. */
export async function readEntries(
  { store, caller, scopes }: UserContext,
  id: string,
  listing: EntryListing,
): Promise<Result<EntryPage>> {
  return onceClaimed(scopes, await listEntries(store, caller, id, listing, permissionToRead(scopes)))
}

async function checkReader(context: UserContext, id: string): Promise<Refused | undefined> {
  const found = await readEntries(context, id, { of: 'history', afterSeq: 0, limit: 1 })
  return found.ok ? undefined : found
}

async function pageOf(
  context: UserContext,
  id: string,
  {
    of,
    name,
    after = 0,
    limit,
    cursor,
  }: PageQuery & {
    readonly of: EntryListing['of']
    readonly name?: string | undefined
    readonly after?: number | undefined
  },
): Promise<Result<Page<Entry>>> {
  const { caller } = context
  const cursors: CursorScope = {
    list: of,
    filters: { id, name, after: after === 0 ? undefined : String(after) },
    userId: caller.userId,
  }
  const start = await startOf(cursors, cursor, readSeq, () => checkReader(context, id))
  if (!start.ok) return start
  const found = await readEntries(context, id, { of, name, afterSeq: start.value ?? after, limit })
  if (!found.ok) return found
  const { entries, isCut } = found.value
  const items = entries.slice(0, limit)
  const last = items.at(-1)
  const goesOn = last !== undefined && (isCut || entries.length > limit)
  return done({ items, nextCursor: goesOn ? writeCursor(cursors, [last.seq]) : null })
}

function readSeq([seq, ...more]: readonly unknown[]): number | undefined {
  return typeof seq === 'number' && Number.isSafeInteger(seq) && seq > 0 && more.length === 0 ? seq : undefined
}
