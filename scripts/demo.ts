/**
 * Real workflows through a running server: `pnpm demo [--url URL]`, the running `dev` when absent. Takes the workflow definitions that
 * the npm package `flowise` ships, creates them all over HTTP, reads them back, patches each with another one's
 * definition, lists them, reads every version, and compares SHA-256 digests of the exact texts after each step.
 * Exit 1 on any difference.
 */
import { createHash, randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { join } from 'node:path'
import { runningDevs } from '@millrace/cli/dev/leftovers'
import { isRecord, parseMembers } from '@millrace/cli/json'
import { scanBody } from '@millrace/db/document'
import { flowiseSamples, type Sample } from './flowise.ts'

interface Stored {
  readonly id: string
  readonly etag: string
  readonly definition: string
}

interface Answer {
  readonly etag: string
  readonly body: string
}

const documentFields = new Set(['definition'])

const { values } = parseArgs({ options: { url: { type: 'string' } } })
const url = (values.url ?? runningUrl()).replace(/\/$/, '')

try {
  await demonstrate()
} catch (error) {
  say(`FAILED: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

/** Of a `dev` that runs here, on whatever port. */
function runningUrl(): string {
  const [dev] = [process.env['INIT_CWD'] ?? process.cwd(), join(import.meta.dirname, '..')].flatMap((directory) =>
    runningDevs(join(directory, '.millrace')),
  )
  return `http://127.0.0.1:${dev?.port ?? 8787}`
}

async function demonstrate(): Promise<void> {
  const startedAt = performance.now()
  const samples = flowiseSamples(say)
  const bytes = samples.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
  say(`${samples.length} workflow definitions of npm's flowise, ${(bytes / 1_000_000).toFixed(1)} MB, into ${url}`)
  const originals = samples.map(({ text }) => text)
  // Each one gets its neighbour's definition; none keeps its own.
  const successors = samples.map((_, position) => originals[(position + 1) % originals.length] ?? '')

  const token = await step('register a user', () => register())
  const created = await step('create', () => each(samples, (sample) => create(token, sample)))
  compare('answers to creation', originals, created.map(definitionOf))
  const read = await step('read back', () => each(created, ({ id }) => get(token, id)))
  compare('read back', originals, read.map(definitionOf))
  const patched = await step('patch with another definition', () =>
    each(read, (workflow, position) => patch(token, workflow, successors[position] ?? '')),
  )
  compare('answers to patches', successors, patched.map(definitionOf))
  const reread = await step('read back again', () => each(patched, ({ id }) => get(token, id)))
  compare('read back again', successors, reread.map(definitionOf))
  const listed = await step('list', () => list(token))
  compare('listed names', samples.map(({ name }) => name).toSorted(), listed.toSorted())
  const first = await step('read every version 1', () => each(created, ({ id }) => getVersion(token, id, 1)))
  compare('every version 1', originals, first)
  const second = await step('read every version 2', () => each(created, ({ id }) => getVersion(token, id, 2)))
  compare('every version 2', successors, second)
  await step('list the versions', () => each(created, ({ id }) => expectTwoVersions(token, id)))
  say(`All equal, in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function step<Result>(name: string, act: () => Promise<Result>): Promise<Result> {
  const startedAt = performance.now()
  const result = await act()
  say(`  ${name.padEnd(32)}${(performance.now() - startedAt).toFixed(0).padStart(6)} ms`)
  return result
}

function digestOf(texts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}\n${text}`)
  return hash.digest('hex')
}

function compare(what: string, expected: readonly string[], actual: readonly string[]): void {
  const differing = expected.findIndex((text, position) => text !== actual[position])
  if (expected.length !== actual.length || digestOf(expected) !== digestOf(actual)) {
    throw new Error(`${what}: ${actual.length} of ${expected.length}, the first difference is at ${differing}`)
  }
  say(`    ${actual.length} equal, sha256 ${digestOf(actual)}`)
}

async function each<Item, Result>(
  items: readonly Item[],
  act: (item: Item, position: number) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  for (const [position, item] of items.entries()) results.push(await act(item, position))
  return results
}

async function call(
  method: string,
  path: string,
  status: number,
  request: { readonly token?: string; readonly body?: string; readonly ifMatch?: string } = {},
): Promise<Answer> {
  const headers = new Headers()
  if (request.token !== undefined) headers.set('authorization', `Bearer ${request.token}`)
  if (request.body !== undefined) headers.set('content-type', 'application/json')
  if (request.ifMatch !== undefined) headers.set('if-match', request.ifMatch)
  const response = await fetch(url + path, {
    method,
    headers,
    ...(request.body === undefined ? {} : { body: request.body }),
  }).catch((error: unknown) => {
    throw new Error(`nothing answers at ${url}; start it with \`pnpm dev\``, { cause: error })
  })
  const body = await response.text()
  if (response.status !== status) throw new Error(`${method} ${path}: ${response.status} instead of ${status}: ${body}`)
  return { etag: response.headers.get('etag') ?? '', body }
}

/** The exact text of a member, as it stands in the answer. */
function memberText(body: string, name: string): string {
  const scanned = scanBody(body, documentFields)
  const member = scanned.ok ? scanned.members.get(name) : undefined
  if (member === undefined) throw new Error(`an answer has no ${name}`)
  return member.text
}

function memberString(body: string, name: string): string {
  return String(JSON.parse(memberText(body, name)))
}

/** A member of each item of a list, as text. */
function itemsOf(body: string, member: string): readonly string[] {
  const { items } = parseMembers(body)
  if (!Array.isArray(items)) throw new Error('an answer has no items')
  return items.map((item: unknown) => (isRecord(item) ? String(item[member]) : ''))
}

function stored({ body, etag }: Answer): Stored {
  return { id: memberString(body, 'id'), etag, definition: memberText(body, 'definition') }
}

function definitionOf({ definition }: Stored): string {
  return definition
}

async function register(): Promise<string> {
  const username = `demo-${Date.now()}`
  const body = JSON.stringify({ username, email: `${username}@example.com`, password: randomUUID() })
  return memberString((await call('POST', '/v1/auth/register', 201, { body })).body, 'accessToken')
}

async function create(token: string, { name, text }: Sample): Promise<Stored> {
  const body = `{"name":${JSON.stringify(name)},"definition":${text}}`
  return stored(await call('POST', '/v1/workflows', 201, { token, body }))
}

async function get(token: string, id: string): Promise<Stored> {
  return stored(await call('GET', `/v1/workflows/${id}`, 200, { token }))
}

async function patch(token: string, { id, etag }: Stored, definition: string): Promise<Stored> {
  const body = `{"definition":${definition}}`
  return stored(await call('PATCH', `/v1/workflows/${id}`, 200, { token, body, ifMatch: etag }))
}

async function getVersion(token: string, id: string, versionNumber: number): Promise<string> {
  const { body } = await call('GET', `/v1/workflows/${id}/versions/${versionNumber}`, 200, { token })
  return memberText(body, 'definition')
}

async function expectTwoVersions(token: string, id: string): Promise<void> {
  const { body } = await call('GET', `/v1/workflows/${id}/versions`, 200, { token })
  const numbers = itemsOf(body, 'versionNumber').join()
  if (numbers !== '2,1') throw new Error(`workflow ${id} lists the versions ${numbers} instead of 2,1`)
}

/** The names of all of the user's workflows, page by page. */
async function list(token: string): Promise<readonly string[]> {
  const names: string[] = []
  let cursor: string | null = null
  do {
    const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const { body } = await call('GET', `/v1/workflows?scope=owned&limit=25${after}`, 200, { token })
    names.push(...itemsOf(body, 'name'))
    const { nextCursor } = parseMembers(body)
    cursor = typeof nextCursor === 'string' ? nextCursor : null
  } while (cursor !== null)
  return names
}
