import { and, eq, gt, lt, or } from 'drizzle-orm'
import { DatabaseError } from '../sql/errors.ts'
import { buildQuery, buildStatement } from '../sql/building.ts'
import type { Store } from './store.ts'

/** A time slot of a job, and who asks for it. */
export interface SlotRequest {
  /** At most 50 characters long. */
  readonly job: string
  /** When it is due: the same moment for every process. */
  readonly slot: Date
  /** Who asks, at most 64 characters: whoever asks again under the same name after a lost answer finds what it took. */
  readonly owner: string
  /** The moment of asking. */
  readonly now: Date
}

/**
 * Clocks of machines differ by less. What is further ahead was taken by a clock that was wrong, such as that of a machine
 * that started before its time was set: it would keep all processes from the job until then.
 */
const mostAheadMilliseconds = 5 * 60_000

/**
 * Takes a time slot of a job: of all processes that serve one database, the first one that asks has it. A job that was
 * taken and did not come to its end is not done again before its next slot.
 * @returns whether this process is to do it
 */
export async function takeSlot(store: Store, { job, slot, owner, now }: SlotRequest): Promise<boolean> {
  const mark: Mark = { name: markOf(job), value: slot.toISOString(), owner }
  if (await raiseSlot(store, mark, now)) return true
  const found = await findSlot(store, mark)
  if (found === undefined && (await addSlot(store, mark))) return true
  if (found !== undefined && isSame(found, mark)) return true
  // Another has made the mark meanwhile, perhaps that of an earlier slot.
  return (found?.value ?? '') < mark.value && raiseSlot(store, mark, now)
}

/**
 * Takes a slot that passed before this process began, where no process took it. Of a job that no process has ever had, the
 * slot counts as taken: what was due before a database was first served is nobody's.
 * @returns whether this process is to do it
 */
export async function takeMissedSlot(store: Store, { job, slot, owner, now }: SlotRequest): Promise<boolean> {
  const mark: Mark = { name: markOf(job), value: slot.toISOString(), owner }
  if (await raiseSlot(store, mark, now)) return true
  const found = await findSlot(store, mark)
  if (found !== undefined) return isSame(found, mark)
  await addSlot(store, { ...mark, owner: null })
  return false
}

interface Mark {
  readonly name: string
  readonly value: string
  readonly owner: string | null
}

const markOf = (job: string): string => `slot.${job}`

async function raiseSlot(store: Store, { name, value, owner }: Mark, now: Date): Promise<boolean> {
  const { builder, tables } = store.dialect
  const { marks } = tables
  const mostAhead = new Date(now.getTime() + mostAheadMilliseconds).toISOString()
  const isFree = and(eq(marks.name, name), or(lt(marks.value, value), gt(marks.value, mostAhead)))
  const [raised] = await store.tidy([buildStatement(builder.update(marks).set({ value, owner }).where(isFree))])
  return raised === 1
}

type FoundMark = Pick<Mark, 'owner'> & { readonly value: string | null }

async function findSlot(store: Store, { name }: Mark): Promise<FoundMark | undefined> {
  const { builder, tables } = store.dialect
  const { marks } = tables
  const find = builder.select({ value: marks.value, owner: marks.owner }).from(marks).where(eq(marks.name, name))
  const [found] = await store.read(buildQuery(find))
  return found
}

/** Whether what could not be raised had been raised by this very request, whose answer was lost. */
function isSame(found: FoundMark, { value, owner }: Mark): boolean {
  return found.value === value && found.owner === owner
}

/** Where the job was never done before. */
async function addSlot(store: Store, mark: Mark): Promise<boolean> {
  const { builder, tables } = store.dialect
  try {
    await store.tidy([buildStatement(builder.insert(tables.marks).values({ ...mark, leaseUntil: null }))])
    return true
  } catch (thrown) {
    if (thrown instanceof DatabaseError && thrown.fault === 'unique_violation') return false
    throw thrown
  }
}
