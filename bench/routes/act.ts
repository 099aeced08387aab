import type { ErrorCode } from '@millrace/api/errors'
import type { Sent } from '../load.ts'
import type { RouteWorld } from './world.ts'

/** Which request of an act it is. */
export interface Turn {
  readonly number: number
  /** Requests of one turn are sent at about the same time. */
  readonly turn: number
}

/** How many there will be. */
export interface Wanted {
  readonly requests: number
  readonly turns: number
}

/** A route as many call it at once; each request is one that the contract allows to succeed or to lose a race. */
export interface RouteAct {
  /** As the app's table has it: `GET /v1/workflows/{id}`. */
  readonly route: string
  /** What the requests are about. */
  readonly on: string
  /** What the contract answers to a request that loses a race. Any other answer that is not 2xx is a fault. */
  readonly refusals: readonly ErrorCode[]
  /** Makes what the requests need. */
  readonly prepare: (world: RouteWorld, wanted: Wanted) => Promise<(turn: Turn) => Sent>
}

/** Makes so many of a thing. */
export type Make<Thing> = (world: RouteWorld, count: number) => Promise<readonly Thing[]>

export interface About<Thing> {
  readonly make: Make<Thing>
  readonly send: (thing: Thing, turn: Turn) => Sent
}

export interface AboutOne<Thing> extends About<Thing> {
  /** Whether one success leaves nothing for others to do: then each turn has a new one. */
  readonly isUsedUp?: boolean
  readonly refusals?: readonly ErrorCode[]
}

/** All requests at once are about one thing: a hot row, where they write. */
export function onOne<Thing>(route: string, on: string, about: AboutOne<Thing>): RouteAct {
  const { make, send, isUsedUp = false, refusals = [] } = about
  return {
    ...{ route, on, refusals },
    async prepare(world, { turns }) {
      const things = await make(world, isUsedUp ? turns : 1)
      return (turn) => send(entryOf(things, isUsedUp ? turn.turn : 0), turn)
    },
  }
}

/** Each request is about a thing of its own. */
export function onOwn<Thing>(route: string, on: string, { make, send }: About<Thing>): RouteAct {
  return {
    ...{ route, on, refusals: [] },
    async prepare(world, { requests }) {
      const things = await make(world, requests)
      return (turn) => send(entryOf(things, turn.number), turn)
    },
  }
}

/** The same request in both ways. @param name of the thing: `workflow` */
export function onOneAndOwn<Thing>(route: string, name: string, about: AboutOne<Thing>): readonly RouteAct[] {
  return [onOne(route, `one ${name}`, about), onOwn(route, `${name}s of their own`, about)]
}

/** What can be told apart by a number: each has one. */
export function entryOf<Entry>(entries: readonly Entry[], index: number): Entry {
  const entry = entries[index]
  if (entry === undefined) throw new Error(`the bench has made ${entries.length} things, and needs another`)
  return entry
}

/** Where a request needs nothing to be made. */
export const nothing: Make<null> = (_world, count) => Promise.resolve(Array.from({ length: count }, () => null))
