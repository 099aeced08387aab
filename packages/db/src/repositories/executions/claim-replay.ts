import { eq, gt, inArray, sql } from 'drizzle-orm'
import { all, callerInput, done, standingOf, type Outcome, type UserCaller } from '../../access/access.ts'
import { buildQuery } from '../../sql/building.ts'
import type { Store } from '../../store/store.ts'
import { claimedOf, claimedSelect, placeIn, type ClaimedExecution } from './claim-answer.ts'
import type { ClaimBind } from './claim-shape.ts'
import { mayOnExecution } from './executions.ts'

/** The same leases again, with what they are on: those that still last, and that the caller still may work. */
export async function replayLeases(
  store: Store,
  caller: UserCaller,
  at: Date,
  body: string,
): Promise<Outcome<{ readonly items: readonly ClaimedExecution[]; readonly isReplayed: true }>> {
  const { dialect } = store
  const { executions } = dialect.tables
  const leases = parseLeases(body)
  const condition = all(
    inArray(executions.id, [...leases.keys()]),
    eq(executions.status, 'running'),
    gt(executions.leaseUntil, at),
    mayOnExecution(dialect, caller, 'owner'),
  )
  const input: Readonly<Record<string, unknown>> = { ...callerInput(caller) }
  const bind: ClaimBind = (name, column) => sql`${sql.param(input[name], column)}`
  const select = claimedSelect(dialect, bind, {
    condition: leases.size === 0 ? sql`1 = 0` : condition,
  })
  const rows = await store.read(buildQuery(select))
  const standing = standingOf(caller, rows[0])
  if (!standing.ok) return standing
  const lasting = rows.filter(({ id, fence }) => id !== null && leases.get(id)?.fence === fence)
  return done({ items: claimedOf(lasting, ({ id }) => leases.get(id)?.place ?? 0), isReplayed: true })
}

function parseLeases(body: string): ReadonlyMap<string, { readonly fence: number; readonly place: number }> {
  const parsed: unknown = JSON.parse(body)
  const leases: readonly unknown[] = Array.isArray(parsed) ? parsed : []
  return new Map(
    leases.flatMap((lease) => {
      if (!isList(lease)) return []
      const [id, fence, lastOp] = lease
      return [[String(id), { fence: Number(fence), place: placeIn(String(lastOp)) }] as const]
    }),
  )
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}
