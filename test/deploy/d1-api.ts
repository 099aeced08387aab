import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Miniflare } from 'miniflare'
import { miniflare } from '../servers/miniflare.ts'

/** What Cloudflare's API answers a request about D1 with. */
export interface D1ApiAnswer {
  readonly status: number
  readonly result: unknown
  readonly message?: string
}

/**
 * So much of Cloudflare's API of D1 as Millrace uses: list, create, and `/raw` with a batch, answered by workerd's own D1.
 * https://developers.cloudflare.com/api/resources/d1/
 */
export class D1Api {
  /** Where the databases are, for a Worker that has one bound. */
  readonly directory = mkdtempSync(join(tmpdir(), 'millrace-d1-api-'))
  readonly #names = new Map<string, string>()
  #workerd: Miniflare | undefined

  /** The databases' names by their ids. */
  get names(): ReadonlyMap<string, string> {
    return this.#names
  }

  /** Makes a database without a command. Gives its id. */
  async make(name: string): Promise<string> {
    const { result } = await this.#create({ name })
    return (result as { readonly uuid: string }).uuid
  }

  /** Runs one statement past all of Millrace. */
  async query(
    id: string,
    sql: string,
    params: readonly unknown[],
  ): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const { result, message } = await this.#raw(id, [{ sql, params }])
    const [first] = (result ?? []) as { results: { columns: readonly string[]; rows: readonly unknown[][] } }[]
    if (first === undefined) throw new Error(message)
    const { columns, rows } = first.results
    return rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]])))
  }

  /** Answers a request below `/accounts/{account}/d1/`; undefined where there is no such route. */
  async answer(method: string, url: URL, rest: string, body: string): Promise<D1ApiAnswer | undefined> {
    if (rest === 'database' && method === 'GET') {
      const name = url.searchParams.get('name') ?? ''
      const found = [...this.#names].filter(([, known]) => known.includes(name))
      return { status: 200, result: found.map(([uuid, known]) => ({ uuid, name: known })) }
    }
    if (rest === 'database' && method === 'POST') return this.#create(JSON.parse(body) as { name: string })
    const [, id = '', route] = /^database\/([^/]+)(?:\/(raw))?$/.exec(rest) ?? []
    const name = this.#names.get(id)
    if (name === undefined) return { status: 404, result: null, message: 'The database could not be found' }
    if (route === undefined) return { status: 200, result: { uuid: id, name } }
    return this.#raw(id, (JSON.parse(body) as { batch: unknown }).batch)
  }

  async #create({ name }: { readonly name: string }): Promise<D1ApiAnswer> {
    if ([...this.#names.values()].includes(name)) {
      return { status: 400, result: null, message: `A database with the name ${name} already exists` }
    }
    const uuid = randomUUID()
    this.#names.set(uuid, name)
    await this.#workerd?.dispose()
    this.#workerd = undefined
    return { status: 200, result: { uuid, name } }
  }

  /** As the service does it: a statement that fails is an error of the whole, which has changed nothing. */
  async #raw(id: string, batch: unknown): Promise<D1ApiAnswer> {
    this.#workerd ??= this.#start()
    const answered = await this.#workerd.dispatchFetch(`http://d1/${id}`, {
      method: 'POST',
      body: JSON.stringify(batch),
    })
    const results: unknown = await answered.json()
    if (Array.isArray(results)) return { status: 200, result: results }
    return { status: 400, result: null, message: (results as { error: string }).error }
  }

  #start(): Miniflare {
    const { Miniflare, NoOpLog, convertV4MiniflareOptions } = miniflare()
    return new Miniflare({
      ...convertV4MiniflareOptions({
        modules: true,
        script: forwarding,
        compatibilityDate: '2026-11-02',
        d1Databases: Object.fromEntries([...this.#names.keys()].map((id) => [id, id])),
        host: '127.0.0.1',
        port: 0,
        cf: false,
        log: new NoOpLog(),
      }),
      resourcePersistencePath: this.directory,
    })
  }

  async close(): Promise<void> {
    await this.#workerd?.dispose()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** The binding's own way to its database gives rows as lists, which its public methods do not for a batch. */
const forwarding = `export default {
  async fetch(request, env) {
    const { fetcher } = env[new URL(request.url).pathname.slice(1)]
    return fetcher.fetch('http://d1/query?resultsFormat=ROWS_AND_COLUMNS', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: await request.text(),
    })
  },
}`
