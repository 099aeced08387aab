import { takeDailyBackup } from '../service.ts'
import { asRecord, readAnswer, type Answer } from '../contract/answers.ts'
import type { MailReceiver } from '../contract/mail-receiver.ts'
import { password, type World } from '../contract/world.ts'
import { RecordedExecutions } from './recorded.ts'

/** Someone who was registered by a request of the fuzz. */
export interface Account {
  readonly id: string
  readonly username: string
  readonly email: string
  readonly password: string
  readonly token: string
  refreshToken: string
}

export interface Sent {
  readonly name: string
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** Whose token or key it is sent with. */
  readonly account: Account | undefined
  /** What it makes is for the request that follows, and for no other. */
  readonly isOwn?: boolean
}

/** A workflow, share, session, key, schedule or execution, and who may do everything with it. */
export interface Thing {
  readonly id: string
  readonly owner: Account
  /** Of a share: its workflow. */
  readonly within?: string
  readonly fence?: number
}

const residentCount = 8
const mostKept = 400
const mostAttempts = 5

export type Pool =
  | 'workflows'
  | 'shares'
  | 'sessions'
  | 'keys'
  | 'schedules'
  | 'pending'
  | 'running'
  | 'paused'
  | 'ended'

const poolOfStatus: Readonly<Record<string, Pool>> = {
  pending: 'pending',
  running: 'running',
  paused: 'paused',
  completed: 'ended',
  failed: 'ended',
  cancelled: 'ended',
}

/** What earlier answers gave: users, ids, fences, cursors. All requests go through it, so that none is lost. */
export class Things {
  /** Who stays: logged in, enabled, owning workflows. */
  readonly residents: Account[] = []
  /** Who may be spent: without workflows. */
  readonly spare: Account[] = []
  /** An API key of the first resident for each scope; `admin` is the administrator's. */
  readonly scopedKeys: Record<string, string> = {}
  readonly cursors = new Map<string, { readonly path: string; readonly account: Account | undefined }[]>()
  files: readonly string[] = []
  readonly recorded = new RecordedExecutions(this)
  readonly #pools: Record<Pool, Thing[]> = {
    workflows: [],
    shares: [],
    sessions: [],
    keys: [],
    schedules: [],
    pending: [],
    running: [],
    paused: [],
    ended: [],
  }
  readonly #sessions = new Set<string>()
  readonly #owners = new Map<string, Account>()
  #secretKeeper: Promise<Account> | undefined
  #takenBackup: Promise<void> | undefined
  readonly #world: World
  readonly #mail: MailReceiver
  readonly #onAnswer: (sent: Sent, answer: Answer) => void

  constructor(world: World, mail: MailReceiver, onAnswer: (sent: Sent, answer: Answer) => void) {
    this.#world = world
    this.#mail = mail
    this.#onAnswer = onAnswer
  }

  async settle(): Promise<void> {
    for (let index = 0; index < residentCount; index += 1) this.residents.push(await this.register())
    const [first] = this.residents
    if (first === undefined) throw new Error('nobody lives here')
    for (const scope of ['read', 'write', 'worker', 'secrets', 'admin']) {
      const body = JSON.stringify({ name: scope, scopes: [scope] })
      const actor = scope === 'admin' ? 'admin' : 'nobody'
      const headers = scope === 'admin' ? {} : { Authorization: `Bearer ${first.token}` }
      const { json } = await readAnswer(await this.#world.send(actor, 'POST', '/v1/api-keys', { body, headers }))
      this.scopedKeys[scope] = String(asRecord(json)['key'])
    }
    const page = await readAnswer(await this.#world.send('nobody', 'GET', '/docs'))
    this.files = [...page.text.matchAll(/docs\/([a-z0-9][a-z0-9.-]*)/g)].map(([, file = '']) => file)
  }

  async send(sent: Sent): Promise<Answer> {
    const { method, path, headers, body } = sent
    const answer = await readAnswer(await this.#world.send('nobody', method, path, { headers, body }))
    this.#onAnswer(sent, answer)
    if (answer.status < 300) this.#learn(sent, answer.json)
    return answer
  }

  /** Sends what a later request needs, which must succeed. */
  async ask(name: string, path: string, account: Account | undefined, body?: object, isOwn = false): Promise<unknown> {
    const { status, text, json } = await this.#attempt(name, path, account, body, isOwn)
    if (status >= 300) throw new Error(`${name} answered ${status}: ${text}`)
    return json
  }

  /** The same where another request may have come before. */
  #attempt(name: string, path: string, account: Account | undefined, body?: object, isOwn = false): Promise<Answer> {
    const [method = ''] = name.split(' ')
    const headers = account === undefined ? {} : { Authorization: `Bearer ${account.token}` }
    return this.send({ name, method, path, headers, body: body && JSON.stringify(body), account, isOwn })
  }

  resident(pick: number): Account {
    const found = this.residents[pick % this.residents.length]
    if (found === undefined) throw new Error('nobody lives here')
    return found
  }

  another(than: Account, pick: number): Account {
    const others = this.residents.filter(({ id }) => id !== than.id)
    return others[pick % others.length] ?? than
  }

  async register(): Promise<Account> {
    const username = `u${crypto.randomUUID().replaceAll('-', '')}`
    const body = { username, email: `${username}@example.com`, password }
    await this.ask('POST /v1/auth/register', '/v1/auth/register', undefined, body)
    const made = this.spare.pop()
    if (made === undefined) throw new Error('the registration gave nobody')
    return made
  }

  async spareAccount(): Promise<Account> {
    return this.spare.pop() ?? this.register()
  }

  /** One that stays there. */
  async some(pool: 'workflows' | 'schedules' | 'pending', pick: number): Promise<Thing> {
    const known = this.#pools[pool]
    if (known.length < 10) known.push(await this.#make(pool, pick))
    const found = known[pick % known.length]
    if (found === undefined) throw new Error(`there are no ${pool}`)
    return found
  }

  /** One that is the request's own. */
  async take(pool: Pool, pick: number): Promise<Thing> {
    return this.#pools[pool].pop() ?? this.#make(pool, pick)
  }

  /** A workflow that no other request names. */
  async ownWorkflow(pick: number): Promise<Thing> {
    const owner = this.resident(pick)
    const body = { name: 'of one request', definition: { a: pick } }
    const { id } = asRecord(await this.ask('POST /v1/workflows', '/v1/workflows', owner, body, true))
    return { id: String(id), owner }
  }

  /** A token for a new password, from the webhook. */
  async resetToken({ email }: Account): Promise<string> {
    await this.ask('POST /v1/auth/recover', '/v1/auth/recover', undefined, { email })
    return this.#mail.tokenOf(email)
  }

  /** Once: the schedule takes a backup. */
  takenBackup(): Promise<void> {
    this.#takenBackup ??= takeDailyBackup(this.#world.service)
    return this.#takenBackup
  }

  /** A user with a secret under `/service/token` of settings that nothing else writes. */
  secretKeeper(): Promise<Account> {
    this.#secretKeeper ??= this.register().then(async (account) => {
      const body = { data: { service: { token: { $secret: 'a secret of the fuzz' } } } }
      await this.ask('PUT /v1/settings', '/v1/settings', account, body)
      return account
    })
    return this.#secretKeeper
  }

  async #make(pool: Pool, pick: number, attempt = 1): Promise<Thing> {
    const owner = this.resident(pick)
    switch (pool) {
      case 'workflows':
        await this.ask('POST /v1/workflows', '/v1/workflows', owner, { name: 'w', definition: { a: pick } })
        break
      case 'keys':
        await this.ask('POST /v1/api-keys', '/v1/api-keys', owner, { name: 'k', scopes: ['read'] })
        break
      case 'sessions':
        for (let count = 0; count < 5; count += 1) {
          const { username } = owner
          await this.ask('POST /v1/auth/login', '/v1/auth/login', undefined, { username, password })
        }
        await this.ask('GET /v1/auth/sessions', '/v1/auth/sessions?limit=100', owner)
        break
      case 'shares': {
        const workflow = await this.ownWorkflow(pick)
        const path = `/v1/workflows/${workflow.id}/shares`
        const { id: userId } = this.another(workflow.owner, pick)
        await this.ask('POST /v1/workflows/{id}/shares', path, workflow.owner, { userId, permission: 'view' })
        break
      }
      case 'schedules': {
        const workflow = await this.some('workflows', pick)
        const path = `/v1/workflows/${workflow.id}/schedules`
        const body = { name: 's', cron: '@monthly' }
        await this.ask('POST /v1/workflows/{id}/schedules', path, workflow.owner, body)
        break
      }
      case 'pending': {
        const workflow = await this.some('workflows', pick)
        const path = `/v1/workflows/${workflow.id}/executions`
        await this.ask('POST /v1/workflows/{id}/executions', path, workflow.owner, {})
        break
      }
      case 'running': {
        const workflow = await this.ownWorkflow(pick)
        const path = `/v1/workflows/${workflow.id}/executions`
        for (let count = 0; count < 4; count += 1) {
          await this.ask('POST /v1/workflows/{id}/executions', path, workflow.owner, { maxAttempts: 100 })
        }
        const body = { worker: 'w', limit: 50, leaseSeconds: 3600, workflowIds: [workflow.id] }
        await this.ask('POST /v1/executions/claim', '/v1/executions/claim', workflow.owner, body)
        break
      }
      case 'paused': {
        const { id, owner: worker, fence } = await this.take('running', pick)
        const body = { fence, status: 'paused' }
        await this.#attempt('PATCH /v1/executions/{id}', `/v1/executions/${id}`, worker, body)
        break
      }
      case 'ended': {
        const { id, owner: starter } = await this.#make('pending', pick)
        await this.#attempt('POST /v1/executions/{id}/cancel', `/v1/executions/${id}/cancel`, starter)
        break
      }
    }
    const made = this.#pools[pool].pop()
    if (made !== undefined) return made
    // Another request may have taken what was made, or claimed it.
    if (attempt === mostAttempts) throw new Error(`no ${pool} could be made in ${attempt} attempts`)
    return this.#make(pool, pick + 1, attempt + 1)
  }

  /** Keeps what an answer holds, by its members. */
  #learn({ name, path, headers, account, isOwn = false }: Sent, json: unknown): void {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return
    const body = asRecord(json)
    if (typeof body['nextCursor'] === 'string') this.#learnCursor(name, path, body['nextCursor'], account)
    if (name === 'POST /v1/auth/register') this.#learnAccount(body)
    if (account === undefined) return
    const items = Array.isArray(body['items']) ? body['items'].map(asRecord) : []
    switch (name) {
      case 'POST /v1/workflows':
        if (isOwn) this.#owners.set(String(body['id']), account)
        else this.#keepWorkflow(body, account)
        break
      case 'POST /v1/workflows/batch':
        for (const item of items) this.#keepWorkflow(item, account)
        break
      case 'POST /v1/api-keys':
        this.#keep('keys', { id: String(body['id']), owner: account })
        break
      case 'GET /v1/auth/sessions':
        for (const { id, current } of items) {
          // To an API key all sessions are another's, its user's own too. Each is ended once.
          const isLoggedIn = headers['Authorization'] === `Bearer ${account.token}`
          if (current !== false || !isLoggedIn || this.#sessions.has(String(id))) continue
          this.#sessions.add(String(id))
          this.#keep('sessions', { id: String(id), owner: account })
        }
        break
      case 'POST /v1/workflows/{id}/shares': {
        const within = path.split('/')[3] ?? ''
        const owner = this.#owners.get(within)
        if (owner !== undefined) this.#keep('shares', { id: String(body['sharedWithUserId']), owner, within })
        break
      }
      case 'POST /v1/workflows/{id}/schedules': {
        const owner = this.#owners.get(String(body['workflowId']))
        if (owner !== undefined) this.#keep('schedules', { id: String(body['id']), owner })
        break
      }
    }
    if (isOwn) return
    if ('fence' in body) this.#keepExecution(body)
    if (name === 'POST /v1/executions/claim') items.forEach((item) => this.#keepExecution(item))
  }

  #learnCursor(name: string, path: string, cursor: string, account: Account | undefined): void {
    const [pathname = '', query = ''] = path.split('?')
    const asked = new URLSearchParams(query)
    asked.set('cursor', cursor)
    const known = this.cursors.get(name) ?? []
    if (known.length < 50) known.push({ path: `${pathname}?${asked.toString()}`, account })
    this.cursors.set(name, known)
  }

  #learnAccount(body: Readonly<Record<string, unknown>>): void {
    const { id, username, email } = asRecord(body['user'])
    this.spare.push({
      id: String(id),
      username: String(username),
      email: String(email),
      password,
      token: String(body['accessToken']),
      refreshToken: String(body['refreshToken']),
    })
  }

  #keepWorkflow({ id }: Readonly<Record<string, unknown>>, owner: Account): void {
    this.#owners.set(String(id), owner)
    this.#keep('workflows', { id: String(id), owner })
  }

  #keepExecution({ id, workflowId, status, fence }: Readonly<Record<string, unknown>>): void {
    const owner = this.#owners.get(String(workflowId))
    const pool = poolOfStatus[String(status)]
    if (owner !== undefined && pool !== undefined) this.#keep(pool, { id: String(id), owner, fence: Number(fence) })
  }

  #keep(pool: Pool, thing: Thing): void {
    if (this.#pools[pool].length < mostKept) this.#pools[pool].push(thing)
  }
}
