import { randomBytes, randomUUID } from 'node:crypto'
import type { Client, Received, Sent } from '../load.ts'
import type { Mailbox } from './mailbox.ts'
import { Person, registration, type Names } from './person.ts'

/** A service that is there for the bench alone, as its acts reach it. */
export interface RouteWorld {
  readonly client: Client
  readonly metricsToken: string
  readonly mailbox: Mailbox
  /** With an access token that is new: an act may come late in the run. */
  administrator(): Promise<Person>
}

export interface RouteWorldOptions {
  readonly client: Client
  readonly metricsToken: string
  readonly mailbox: Mailbox
  /** Makes a user an administrator, past the API. */
  readonly promote: (userId: string) => Promise<void>
}

/** What the service must be told, so that only what is measured limits it. */
export const routeVariables = {
  RATE_LIMITS: ['registrations', 'login_name_network', 'login_name', 'login_network', 'shares']
    .map((name) => `${name}=1000000`)
    .join(','),
  // The bench's own requests say which network they are from.
  TRUSTED_PROXIES: '127.0.0.0/8,::1/128',
} as const

export async function createRouteWorld({ promote, ...given }: RouteWorldOptions): Promise<RouteWorld> {
  const first = await register(given.client)
  await promote(first.id)
  return { ...given, administrator: () => logIn(given.client, first) }
}

export async function register(client: Client): Promise<Person> {
  const who = newNames()
  return personOf(who, await done(client, registration(who)))
}

/** Opens another session of a user. */
export async function logIn(client: Client, person: Person): Promise<Person> {
  return personOf(person, await done(client, person.logIn()))
}

export function newNames(): Names {
  const username = `bench-${randomUUID()}`
  return { username, email: `${username}@example.com`, password: randomUUID(), address: newAddress() }
}

export function newAddress(): string {
  return `10.${randomBytes(3).join('.')}`
}

function personOf(who: Names, answer: unknown): Person {
  const { user, accessToken, refreshToken } = answer as {
    readonly user: { readonly id: string }
    readonly accessToken: string
    readonly refreshToken: string
  }
  const { username, email, password, address } = who
  return new Person({ username, email, password, address, id: user.id, token: accessToken, refreshToken })
}

/** Sends what the bench needs to be done, and gives the JSON of its answer; null where it has none. */
export async function done(client: Client, sent: Sent): Promise<unknown> {
  const { status, body }: Received = await client.send(sent)
  if (status < 200 || status > 299) {
    throw new Error(`${sent.method} ${sent.path}, which the bench needs, was answered ${status}: ${body}`)
  }
  return body === '' ? null : JSON.parse(body)
}

/** Sends what makes something, and gives its id. */
export async function made(client: Client, sent: Sent): Promise<string> {
  return ((await done(client, sent)) as { readonly id: string }).id
}

/** Ten at once, which is as many as make no other wait. */
export async function inTurn<Made>(count: number, make: (number: number) => Promise<Made>): Promise<readonly Made[]> {
  const all: Made[] = []
  while (all.length < count) {
    const from = all.length
    const some = Array.from({ length: Math.min(10, count - from) }, (_none, index) => make(from + index))
    all.push(...(await Promise.all(some)))
  }
  return all
}
