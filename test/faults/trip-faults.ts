import { AsyncLocalStorage } from 'node:async_hooks'
import type { Fetch } from '@millrace/drivers/fetch'
import type { DialectName } from '../dialects.ts'

/**
 * What becomes of one round trip: lost before the database sees it, its answer lost after the database acted, refused
 * by the database, which says that it has done nothing, or told as lost and held back, until its request was answered.
 */
export const tripFaults = ['request', 'answer', 'refused', 'delayed'] as const
export type TripFault = (typeof tripFaults)[number]

/** The trip of a request by its number, counted from 1, and what becomes of it. */
export interface PlannedFault {
  readonly trip: number
  readonly fault: TripFault
}

/** A request whose trips are counted, and some of them lost. */
export interface FaultyRequest {
  readonly faults: readonly PlannedFault[]
  /** Called at the first fault, when the database has seen of it what it will; the fault waits for it. */
  readonly atFirstFault?: (() => Promise<void>) | undefined
  trips: number
  met: number
  /** Trips that were held back: the database sees one when it is called. */
  readonly late: (() => Promise<unknown>)[]
}

const underWay = new AsyncLocalStorage<FaultyRequest>()

/** Runs a request whose trips meet faults. */
export function withFaults<Result>(request: FaultyRequest, work: () => Promise<Result>): Promise<Result> {
  return underWay.run(request, work)
}

/** Runs what meets none, also while a request that does is under way. */
export function withoutFaults<Result>(work: () => Promise<Result>): Promise<Result> {
  return underWay.exit(work)
}

/** A way to the database on which trips meet the faults that their request has planned. */
export function faultyFetch(dialect: DialectName, send: Fetch): Fetch {
  return async (input, init) => {
    const request = underWay.getStore()
    if (request === undefined) return send(input, init)
    request.trips += 1
    const planned = request.faults.find(({ trip }) => trip === request.trips)
    if (planned === undefined) return send(input, init)
    request.met += 1
    if (planned.fault === 'answer') await send(input, init)
    if (request.met === 1) await request.atFirstFault?.()
    if (planned.fault === 'refused') return refusal(dialect, init)
    // Whoever held it back knows no time limit of the one who sent it.
    if (planned.fault === 'delayed') request.late.push(() => send(input, { ...init, signal: null }))
    throw new TypeError('Network connection lost.')
  }
}

/** As the database answers one that it has chosen to end a deadlock, or that met its lock. */
function refusal(dialect: DialectName, init: RequestInit | undefined): Response {
  switch (dialect) {
    case 'sqlite':
      return Response.json({ message: 'database is locked', code: 'SQLITE_BUSY' }, { status: 503 })
    case 'postgres':
      return Response.json({ message: 'deadlock detected', code: '40P01', severity: 'ERROR' }, { status: 400 })
    case 'mysql': {
      const error = {
        code: 'ABORTED',
        message:
          'target: d.-.primary: vttablet: rpc error: code = Aborted desc = Deadlock found when trying to get lock; try restarting transaction (errno 1213) (sqlstate 40001)',
      }
      const asked: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : {}
      const session: unknown = Reflect.get(Object(asked), 'session')
      return Response.json({ session, error })
    }
  }
}
