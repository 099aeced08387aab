import { decodeJwt } from 'jose'
import type { Answered, Sent, Stage } from './stage.ts'

export const password = 'correct horse'

/** Who sends a request, and with what: a session's access token, an API key, or nothing. */
export type Sender =
  | 'alice'
  | 'alice.second'
  | 'alice.key'
  | 'alice.worker'
  | 'bob'
  | 'carol'
  | 'dave'
  | 'erin'
  | 'erin.key'
  | 'root'
  | 'root.key'
  | 'admin'
  | 'nobody'

const people = ['alice', 'bob', 'carol', 'dave', 'erin', 'root', 'admin'] as const
type Person = (typeof people)[number]

/** What the writes of the table are about; rows of a database that is put back before each run. */
export interface World {
  /** What generated ids stand for, by id. */
  readonly names: ReadonlyMap<string, string>
  /** A generated id by what it stands for, as `wf` or `alice`. */
  id(name: string): string
  /** Has an id stand for something, too, that was made behind the world. */
  name(label: string, id: string): void
  request(sender: Sender, method: string, path: string, options?: RequestOptions): Sent
}

export interface RequestOptions {
  /** `{id wf}`, `{refresh alice.second}` and `{reset}` in it stand for the world's; `{wf}` in a path likewise. */
  readonly body?: object | undefined
  readonly ifMatch?: string | undefined
  readonly key?: string | undefined
}

/**
 * Fills a new database through the API: alice owns `wf` (two versions, one execution that has ended) and `work` (one
 * execution in each unfinished status); bob may edit, carol execute `wf`; erin may edit it and owns nothing, so that she
 * can leave; root and admin are administrators. A schedule of bob's and one of alice's on `wf` are due, hers skips while
 * `paused` is unfinished; `spent` on `spare` has lost its lease and its last attempt; `waiting` waits for a signal. dave
 * owns `other`, and alice was given his `given`, which no pair of writes is about.
 */
export async function makeWorld(stage: Stage): Promise<World> {
  const names = new Map<string, string>()
  const ids = new Map<string, string>()
  const refreshTokens = new Map<string, string>()
  const tokens = new Map<string, string>()
  const name = (label: string, id: string): void => {
    names.set(id, label)
    ids.set(label, id)
  }
  const world: World = {
    names,
    name,
    id: (label) => found(ids, label),
    request: (sender, method, path, { body, ifMatch, key } = {}) => ({
      method,
      path: path.replaceAll(/\{([\w.]+)\}/g, (_all, label: string) => found(ids, label)),
      headers: {
        ...(sender === 'nobody' ? {} : { Authorization: `Bearer ${found(tokens, sender)}` }),
        ...(ifMatch === undefined ? {} : { 'If-Match': ifMatch }),
        ...(key === undefined ? {} : { 'Idempotency-Key': key }),
      },
      body:
        body === undefined
          ? undefined
          : JSON.stringify(body)
              .replaceAll(/\{refresh ([\w.]+)\}/g, (_all, label: string) => found(refreshTokens, label))
              .replaceAll(/\{id ([\w.]+)\}/g, (_all, label: string) => found(ids, label))
              .replaceAll('{reset}', () => found(tokens, 'reset')),
    }),
  }
  const filling = new Filling(stage, world, { name, tokens, refreshTokens })
  for (const person of people) await filling.register(person)
  await stage.ground.execute(
    `update users set role = 'admin' where id in ('${world.id('root')}', '${world.id('admin')}')`,
  )
  await filling.accounts()
  await filling.workflows()
  await filling.executions()
  await filling.schedules()
  await filling.ofOthers()
  return world
}

function found(map: ReadonlyMap<string, string>, label: string): string {
  const value = map.get(label)
  if (value === undefined) throw new Error(`the world has no ${label}`)
  return value
}

interface Making {
  readonly name: (label: string, id: string) => void
  readonly tokens: Map<string, string>
  readonly refreshTokens: Map<string, string>
}

class Filling {
  readonly #stage: Stage
  readonly #world: World
  readonly #making: Making

  constructor(stage: Stage, world: World, making: Making) {
    this.#stage = stage
    this.#world = world
    this.#making = making
  }

  async register(person: Person): Promise<void> {
    const { name, tokens, refreshTokens } = this.#making
    const body = { username: person, email: `${person}@example.com`, password }
    const made = await this.#post('nobody', '/v1/auth/register', { body })
    name(person, textIn(made, 'user', 'id'))
    name(`session.${person}`, sessionOf(made))
    tokens.set(person, textIn(made, 'accessToken'))
    refreshTokens.set(person, textIn(made, 'refreshToken'))
  }

  async accounts(): Promise<void> {
    const { name, tokens, refreshTokens } = this.#making
    const second = await this.#logIn('alice')
    tokens.set('alice.second', textIn(second, 'accessToken'))
    const refreshed = await this.#post('nobody', '/v1/auth/refresh', {
      body: { refreshToken: textIn(second, 'refreshToken') },
    })
    refreshTokens.set('alice.used', textIn(second, 'refreshToken'))
    refreshTokens.set('alice.second', textIn(refreshed, 'refreshToken'))
    name('session.second', sessionOf(second))
    for (const [key, scopes] of [
      ['alice.key', ['read', 'write', 'worker']],
      ['alice.worker', ['worker']],
      ['erin.key', ['read', 'write', 'worker']],
      ['root.key', ['read', 'write', 'admin']],
    ] as const) {
      const owner = people.find((person) => key.startsWith(person)) ?? 'alice'
      const made = await this.#post(owner, '/v1/api-keys', { body: { name: key, scopes } })
      name(`key.${key}`, textIn(made, 'id'))
      tokens.set(key, textIn(made, 'key'))
      // Its use is noted once a minute by a write after the answer: now, so that no run has one.
      await this.#stage.send(this.#world.request(key, 'GET', '/v1/workflows'))
    }
    for (const person of ['carol', 'alice']) {
      await this.#post('nobody', '/v1/auth/recover', { body: { email: `${person}@example.com` } })
    }
    tokens.set('reset', this.#stage.mailedToken())
    for (const person of ['alice', 'erin'] as const) {
      await this.#send(person, 'PUT', '/v1/settings', { body: { data: { theme: 'dark', n: 1 } } })
    }
  }

  async workflows(): Promise<void> {
    for (const workflow of ['wf', 'work', 'spare']) {
      const body = { name: workflow, definition: { n: 1 } }
      this.#making.name(workflow, textIn(await this.#post('alice', '/v1/workflows', { body }), 'id'))
    }
    await this.#send('alice', 'PATCH', '/v1/workflows/{wf}', { body: { definition: { n: 2 } }, ifMatch: '"1"' })
    for (const [username, permission] of [
      ['bob', 'edit'],
      ['carol', 'execute'],
      ['erin', 'edit'],
    ]) {
      await this.#post('alice', '/v1/workflows/{wf}/shares', { body: { username, permission } })
      await this.#post('alice', '/v1/workflows/{work}/shares', { body: { username, permission } })
    }
  }

  async executions(): Promise<void> {
    await this.#start('work', 'running')
    await this.#claim('work', 'running')
    await this.#start('work', 'paused')
    await this.#claim('work', 'paused')
    await this.#report('paused', { status: 'paused' })
    await this.#start('wf', 'ended')
    await this.#claim('wf', 'ended')
    await this.#report('ended', { status: 'completed', state: { done: true } })
    await this.#start('work', 'waiting')
    await this.#claim('work', 'waiting')
    await this.#report('waiting', { status: 'paused', waitFor: ['go'] })
    await this.#start('spare', 'spent', 1)
    // Over when the runs begin.
    await this.#claim('spare', 'spent', 5)
    await this.#start('work', 'pending')
  }

  async schedules(): Promise<void> {
    const body = { name: 'nightly', cron: '0 3 * * *' }
    const made = await this.#post('alice', '/v1/workflows/{wf}/schedules', { body })
    this.#making.name('schedule', textIn(made, 'id'))
    const due = { name: 'due', cron: '@hourly' }
    for (const [label, by, last] of [
      ['due', 'bob', 'null'],
      ['skipping', 'alice', `'${this.#world.id('paused')}'`],
    ] as const) {
      const overlap = label === 'skipping' ? { overlap: 'skip' } : {}
      const another = await this.#post(by, '/v1/workflows/{wf}/schedules', { body: { ...due, ...overlap } })
      const id = textIn(another, 'id')
      this.#making.name(`schedule.${label}`, id)
      await this.#stage.ground.execute(
        `update schedules set next_at = created_at, last_execution_id = ${last} where id = '${id}'`,
      )
    }
  }

  /** `other` with all that a workflow can have, and `given`, which came to alice and which she has not touched yet. */
  async ofOthers(): Promise<void> {
    const name = (label: string, made: Answered) => this.#making.name(label, textIn(made, 'id'))
    for (const workflow of ['other', 'given']) {
      name(workflow, await this.#post('dave', '/v1/workflows', { body: { name: workflow, definition: { n: 1 } } }))
      const path = `/v1/workflows/{${workflow}}`
      await this.#post('dave', `${path}/shares`, { body: { username: 'bob', permission: 'edit' } })
      await this.#post('dave', `${path}/schedules`, { body: { name: 'monthly', cron: '@monthly' } })
      name(`${workflow}.pending`, await this.#post('dave', `${path}/executions`, { body: {} }))
    }
    await this.#post('dave', '/v1/workflows/{given}/transfer', { body: { username: 'alice' }, ifMatch: '*' })
  }

  async #start(workflow: string, label: string, maxAttempts = 10): Promise<void> {
    const body = { input: { label }, maxAttempts }
    const made = await this.#post('alice', `/v1/workflows/{${workflow}}/executions`, { body })
    this.#making.name(label, textIn(made, 'id'))
  }

  async #claim(workflow: string, label: string, leaseSeconds = 3600): Promise<void> {
    const body = { worker: 'w', leaseSeconds, workflowIds: [this.#world.id(workflow)] }
    const claimed = await this.#send('alice', 'POST', '/v1/executions/claim', { body })
    const [item] = itemsIn(claimed)
    if (item?.['id'] !== this.#world.id(label)) throw new Error(`the claim gave another than ${label}`)
  }

  #report(label: string, body: object): Promise<Answered> {
    return this.#send('alice', 'PATCH', `/v1/executions/{${label}}`, { body: { fence: 1, ...body } })
  }

  #logIn(username: Person): Promise<Answered> {
    return this.#post('nobody', '/v1/auth/login', { body: { username, password } })
  }

  #post(sender: Sender, path: string, options: RequestOptions): Promise<Answered> {
    return this.#send(sender, 'POST', path, options)
  }

  async #send(sender: Sender, method: string, path: string, options?: RequestOptions): Promise<Answered> {
    const answer = await this.#stage.send(this.#world.request(sender, method, path, options))
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.body}`)
    return answer
  }
}

/** The session that an answer's access token names. */
function sessionOf(answer: Answered): string {
  return String(decodeJwt(textIn(answer, 'accessToken'))['sid'])
}

function textIn({ body }: Answered, ...path: readonly string[]): string {
  let value: unknown = JSON.parse(body)
  for (const member of path) value = Reflect.get(Object(value), member)
  if (typeof value !== 'string') throw new Error(`no text at ${path.join('.')} in ${body}`)
  return value
}

function itemsIn({ body }: Answered): readonly Readonly<Record<string, unknown>>[] {
  return (JSON.parse(body) as { items: readonly Readonly<Record<string, unknown>>[] }).items
}
