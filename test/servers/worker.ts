import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Miniflare } from 'miniflare'
import type { unstable_getMiniflareWorkerOptions as readWorkerOptions } from 'wrangler'
import { bundleWorker } from '../../functions/bundle.ts'
import { workspaceRoot } from '../workspace.ts'
import { miniflare } from './miniflare.ts'

/** A Worker as it is deployed: bundled, minified, with what wrangler.toml binds to it. */
export interface BuiltWorker {
  /** Paths of its modules, the entry first. */
  readonly modules: readonly [string, ...string[]]
  /** Miniflare's options for one worker; plain data. */
  readonly options: ReturnType<typeof readWorkerOptions>['workerOptions']
}

/** Why there is no Worker: what wrangler said. Only the tests that start one fail with it. */
export interface UnbuiltWorker {
  readonly failed: string
}

const config = join(workspaceRoot, 'wrangler.toml')

/** Has wrangler build the functions into a folder as it deploys them, once for all tests of a run. */
export async function buildWorker(directory: string): Promise<BuiltWorker | UnbuiltWorker> {
  const build = spawn('wrangler', ['deploy', '--dry-run', '--config', config, '--outdir', directory], {
    cwd: workspaceRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' },
  })
  let output = ''
  for (const stream of [build.stdout, build.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      output += text
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    build.once('error', reject)
    build.once('close', resolve)
  })
  return code === 0 ? builtIn(directory) : { failed: `The Worker can't be built:\n${output}` }
}

/** Builds another Worker as the functions are built. */
export async function buildOtherWorker(directory: string, entry: string): Promise<BuiltWorker> {
  await bundleWorker(entry, directory)
  return builtIn(directory)
}

async function builtIn(directory: string): Promise<BuiltWorker> {
  const chunks = readdirSync(directory).filter((name) => name.endsWith('.js') && name !== 'index.js')
  // Only who builds one needs it: each file of tests would take a second longer to be read.
  const { unstable_getMiniflareWorkerOptions } = await import('wrangler')
  const { workerOptions } = unstable_getMiniflareWorkerOptions(config)
  return {
    modules: [join(directory, 'index.js'), ...chunks.map((name) => join(directory, name))],
    options: { ...workerOptions, modulesRoot: directory, bindings: {} },
  }
}

/**
 * One workerd process. Miniflare rather than wrangler's test harness: it starts in a third of the time, and its Worker
 * reaches the gateway from workerd itself, where the harness sends each request through Node's own fetch.
 */
export function runWorker(
  { options, modules }: BuiltWorker,
  vars: Readonly<Record<string, string>>,
  onLog: (line: string) => void = () => undefined,
  d1Databases: readonly string[] = [],
): Miniflare {
  const { Miniflare, NoOpLog, convertV4MiniflareOptions } = miniflare()
  return new Miniflare(
    convertV4MiniflareOptions({
      ...options,
      modules: modules.map((path) => ({ type: 'ESModule', path })),
      bindings: vars,
      d1Databases: [...d1Databases],
      host: '127.0.0.1',
      port: 0,
      cf: false,
      // As under `wrangler dev`: /cdn-cgi/local/scheduled runs the schedule.
      unsafeTriggerHandlers: true,
      log: new NoOpLog(),
      handleStructuredLogs: ({ message }) => {
        onLog(message)
      },
    }),
  )
}
