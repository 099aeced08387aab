import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Miniflare, Request as WorkerRequest, Response as WorkerResponse } from 'miniflare'
import { miniflare } from '../servers/miniflare.ts'
import { D1Api } from './d1-api.ts'
import { R2Api } from './r2-api.ts'

/** A binding of an uploaded Worker, as wrangler describes it. */
export interface Binding {
  readonly name: string
  readonly type: string
  readonly text?: string
  /** Of a D1 database. */
  readonly id?: string
  /** Of an R2 bucket. */
  readonly bucket_name?: string
}

export interface Upload {
  readonly worker: string
  readonly version: string
  readonly bindings: readonly Binding[]
  readonly observability: unknown
  /** Every process's arguments while it was uploaded. */
  readonly commandLines: readonly string[]
}

/**
 * So much of Cloudflare's API as `wrangler deploy` uses, on loopback. What is uploaded is run in workerd, with the
 * bindings that came with it, behind one address that answers as the newest version does.
 */
export interface Cloudflare {
  /** What sends wrangler here. */
  readonly variables: Readonly<Record<string, string>>
  /** Where the newest version answers. */
  readonly url: string
  readonly uploads: readonly Upload[]
  readonly crons: readonly string[]
  readonly d1: D1Api
  readonly r2: R2Api
  close(): Promise<void>
}

export interface CloudflareOptions {
  /** Where the Worker's requests to `https://gateway.example` go. */
  readonly gatewayUrl: string
  /** What an upload is refused with. */
  readonly refusal?: string
  /** What the account's Hyperdrive configurations say of their cache, by their ids. */
  readonly hyperdrives?: Readonly<Record<string, object>>
  /** Called before an upload is answered. */
  readonly onUpload?: () => Promise<void>
}

interface Running extends Cloudflare {
  uploads: Upload[]
  crons: string[]
  worker: Miniflare | undefined
}

export async function startCloudflare(options: CloudflareOptions): Promise<Cloudflare> {
  const server = createServer((request, response) => {
    void answer(cloudflare, options, request, response)
  })
  // A command may load for longer than Node keeps a connection that nobody uses, and would find it closed.
  server.keepAliveTimeout = 300_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const cloudflare: Running = {
    url,
    variables: {
      CLOUDFLARE_API_BASE_URL: `${url}/client/v4`,
      CLOUDFLARE_API_TOKEN: 'token-of-cloudflare',
      CLOUDFLARE_ACCOUNT_ID: 'account',
    },
    uploads: [],
    crons: [],
    d1: new D1Api(),
    r2: new R2Api(),
    worker: undefined,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await cloudflare.worker?.dispose()
      await cloudflare.d1.close()
    },
  }
  return cloudflare
}

async function answer(
  cloudflare: Running,
  options: CloudflareOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', cloudflare.url)
  const { pathname } = url
  if (!pathname.startsWith('/client/v4/')) return forward(cloudflare, pathname, response)
  const body = await bytesOf(request)
  const say = (status: number, result: unknown, message = '', code = status): void => {
    const isGood = status === 200
    response.writeHead(status, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify({ success: isGood, errors: isGood ? [] : [{ code, message }], messages: [], result }))
  }
  const [, hyperdrive] = /\/hyperdrive\/configs\/([^/]+)$/.exec(pathname) ?? []
  if (hyperdrive !== undefined) {
    const caching = options.hyperdrives?.[hyperdrive]
    return caching === undefined
      ? say(404, null, 'no such configuration', 10_000)
      : say(200, { id: hyperdrive, name: 'workflows', caching })
  }
  const [, ofD1] = /^\/client\/v4\/accounts\/account\/d1\/(.*)$/.exec(pathname) ?? []
  if (ofD1 !== undefined) {
    if (request.headers.authorization !== `Bearer ${cloudflare.variables['CLOUDFLARE_API_TOKEN']}`) {
      return say(401, null, 'Authentication error', 10_000)
    }
    const answered = await cloudflare.d1.answer(request.method ?? 'GET', url, ofD1, body.toString())
    return say(answered?.status ?? 404, answered?.result ?? null, answered?.message ?? 'no such route')
  }
  const [, ofR2] = /^\/client\/v4\/accounts\/account\/r2\/(.*)$/.exec(pathname) ?? []
  if (ofR2 !== undefined) {
    const answered = cloudflare.r2.answer(request.method ?? 'GET', ofR2, body.toString())
    return say(answered.status, answered.result, answered.message, answered.code)
  }
  const rest = pathname.replace('/client/v4/accounts/account/workers/', '')
  if (/^services\/[^/]+$/.test(rest)) return say(404, null, 'no such service', 10_090)
  if (/^scripts\/[^/]+\/deployments$/.test(rest)) return say(404, null, 'no such script', 10_007)
  if (rest === 'subdomain') return say(200, { subdomain: 'example' })
  if (/^workers\/[^/]+$/.test(rest)) return say(200, { subdomain: { enabled: true, previews_enabled: false } })
  if (rest.endsWith('/assets-upload-session')) return say(200, { jwt: 'of-assets', buckets: [] })
  if (rest.endsWith('/secrets')) return say(200, [])
  if (rest.endsWith('/settings')) return say(200, { bindings: [] })
  if (rest.endsWith('/subdomain')) return say(200, { enabled: true, previews_enabled: false })
  if (rest.endsWith('/schedules')) {
    const schedules: unknown = JSON.parse(body.toString())
    cloudflare.crons = (schedules as { cron: string }[]).map(({ cron }) => cron)
    return say(200, { schedules })
  }
  const [, worker] = /^scripts\/([^/]+)$/.exec(rest) ?? []
  if (worker === undefined || request.method !== 'PUT') return say(200, {})
  await options.onUpload?.()
  if (options.refusal !== undefined) return say(403, null, options.refusal)
  const upload = await take(cloudflare, options, { worker, body, type: request.headers['content-type'] ?? '' })
  if (upload === undefined)
    return say(400, null, 'R2 bucket not found. Please use a different name and try again.', 10_085)
  say(200, { id: worker, tag: 'tag', deployment_id: upload.version.replaceAll('-', ''), startup_time_ms: 1 })
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

interface Metadata {
  readonly main_module: string
  readonly compatibility_date: string
  readonly bindings: readonly Binding[]
  readonly observability?: unknown
}

async function take(
  cloudflare: Running,
  options: CloudflareOptions,
  { worker, body, type }: { worker: string; body: Buffer; type: string },
): Promise<Upload | undefined> {
  const form = await new Response(new Uint8Array(body), { headers: { 'Content-Type': type } }).formData()
  const described = form.get('metadata')
  if (typeof described !== 'string') throw new Error('an upload without metadata')
  const metadata = JSON.parse(described) as Metadata
  const { bindings, observability } = metadata
  const buckets = bindings.filter(({ type }) => type === 'r2_bucket')
  if (buckets.some(({ bucket_name: name = '' }) => !cloudflare.r2.names.has(name))) return undefined
  const upload = { worker, version: randomUUID(), bindings, observability, commandLines: commandLines() }
  cloudflare.uploads.push(upload)
  // Source maps come with the modules, and are none.
  const files = [...form].filter(
    (entry): entry is [string, File] => entry[1] instanceof File && entry[1].type !== 'application/source-map',
  )
  const modules = await Promise.all(files.map(async ([path, file]) => ({ path, contents: await file.text() })))
  cloudflare.worker = await run(modules, metadata, { upload, gatewayUrl: options.gatewayUrl, d1: cloudflare.d1 })
  return upload
}

async function run(
  modules: readonly { readonly path: string; readonly contents: string }[],
  { main_module: main, compatibility_date: compatibilityDate, bindings }: Metadata,
  { upload, gatewayUrl, d1 }: { readonly upload: Upload; readonly gatewayUrl: string; readonly d1: D1Api },
): Promise<Miniflare> {
  const texts = bindings.filter(({ type }) => type === 'secret_text' || type === 'plain_text')
  const d1Databases: Record<string, string> = {}
  for (const { type, name, id = '' } of bindings) if (type === 'd1') d1Databases[name] = id
  const versionBinding = bindings.find(({ type }) => type === 'version_metadata')
  const { Miniflare, NoOpLog, convertV4MiniflareOptions } = miniflare()
  const worker = new Miniflare({
    ...convertV4MiniflareOptions({
      modules: modules
        .toSorted((one, other) => Number(other.path === main) - Number(one.path === main))
        .map((module) => ({ type: 'ESModule', ...module })),
      compatibilityDate,
      bindings: {
        ...Object.fromEntries(texts.map(({ name, text = '' }) => [name, text])),
        ...(versionBinding && { [versionBinding.name]: { id: upload.version, tag: '', timestamp: '' } }),
      },
      d1Databases,
      outboundService: (request: WorkerRequest) => throughGateway(request, gatewayUrl),
      host: '127.0.0.1',
      port: 0,
      cf: false,
      log: new NoOpLog(),
      handleStructuredLogs: () => undefined,
    }),
    resourcePersistencePath: d1.directory,
  })
  await worker.ready
  return worker
}

async function throughGateway(request: WorkerRequest, gatewayUrl: string): Promise<WorkerResponse> {
  const { Response } = miniflare()
  const url = new URL(request.url)
  if (url.origin !== 'https://gateway.example') return new Response('no such host', { status: 523 })
  const headers = new Headers([...request.headers].filter(([name]) => name !== 'host' && name !== 'content-length'))
  const init = { method: request.method, headers, body: request.method === 'GET' ? null : await request.text() }
  const answered = await fetch(`${gatewayUrl}${url.pathname}`, init)
  return new Response(await answered.text(), {
    status: answered.status,
    headers: { 'Content-Type': answered.headers.get('Content-Type') ?? 'text/plain' },
  })
}

async function forward({ worker }: Running, path: string, response: ServerResponse): Promise<void> {
  if (worker === undefined) {
    response.writeHead(404)
    response.end('There is nothing here yet')
    return
  }
  const answered = await worker.dispatchFetch(`http://worker.example${path}`)
  response.writeHead(answered.status, Object.fromEntries(answered.headers))
  response.end(await answered.text())
}

function commandLines(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((id) => {
      try {
        return [readFileSync(`/proc/${id}/cmdline`, 'utf8')]
      } catch {
        // Ended meanwhile.
        return []
      }
    })
}
