import { and, eq, lt } from 'drizzle-orm'
import { DatabaseError } from '../sql/errors.ts'
import { buildQuery, buildStatement } from '../sql/building.ts'
import type { Store } from './store.ts'

/** Names of jobs are at most 50 characters long. */
const markOf = (job: string): string => `slot.${job}`

/**
 * Takes a time slot of a job: of all processes that serve one database, the first one that asks has it. A job that was
 * taken and did not come to its end is not done again before its next slot.
 * @param slot When it is due: the same moment for every process
 * @returns whether this process is to do it
 */
export async function takeSlot(store: Store, job: string, slot: Date): Promise<boolean> {
  const name = markOf(job)
  const value = slot.toISOString()
  if (await raiseSlot(store, name, value)) return true
  return addSlot(store, name, value)
}

/**
 * Takes a slot that passed before this process began, where no process took it. Of a job that no process has ever had, the
 * slot counts as taken: what was due before a database was first served is nobody's.
 * @returns whether this process is to do it
 */
export async function takeMissedSlot(store: Store, job: string, slot: Date): Promise<boolean> {
  const name = markOf(job)
  const value = slot.toISOString()
  if (await raiseSlot(store, name, value)) return true
  await addSlot(store, name, value)
  return false
}

async function raiseSlot(store: Store, name: string, value: string): Promise<boolean> {
  const { builder, tables } = store.dialect
  const { marks } = tables
  const isEarlier = and(eq(marks.name, name), lt(marks.value, value))
  const [raised] = await store.tidy([buildStatement(builder.update(marks).set({ value }).where(isEarlier))])
  return raised === 1
}

/** Where the job was never done before. */
async function addSlot(store: Store, name: string, value: string): Promise<boolean> {
  const { builder, tables } = store.dialect
  const { marks } = tables
  const isThere = buildQuery(builder.select({ name: marks.name }).from(marks).where(eq(marks.name, name)))
  if ((await store.read(isThere)).length > 0) return false
  try {
    await store.tidy([buildStatement(builder.insert(marks).values({ name, owner: null, value, leaseUntil: null }))])
    return true
  } catch (thrown) {
    if (thrown instanceof DatabaseError && thrown.fault === 'unique_violation') return false
    throw thrown
  }
}
