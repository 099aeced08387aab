import { spawn } from 'node:child_process'
import { basename, dirname, join } from 'node:path'
import { Miniflare, NoOpLog, convertV4MiniflareOptions } from 'miniflare'
import { unstable_getMiniflareWorkerOptions as readWorkerOptions } from 'wrangler'
import { workspaceRoot } from '../workspace.ts'

/** The Worker as wrangler deploys it: bundled, minified, with what wrangler.toml binds to it. */
export interface BuiltWorker {
  readonly script: string
  /** Miniflare's options for one worker; plain data. */
  readonly options: ReturnType<typeof readWorkerOptions>['workerOptions']
}

/** Why there is no Worker: what wrangler said. Only the tests that start one fail with it. */
export interface UnbuiltWorker {
  readonly failed: string
}

/** Builds into a folder, once for all tests of a run: the functions, unless another entry is given. */
export async function buildWorker(
  directory: string,
  entry = join(workspaceRoot, 'functions/src/index.ts'),
): Promise<BuiltWorker | UnbuiltWorker> {
  const config = join(workspaceRoot, 'wrangler.toml')
  const build = spawn('wrangler', ['deploy', entry, '--dry-run', '--config', config, '--outdir', directory], {
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
  const closed = new Promise<number | null>((resolve, reject) => {
    build.once('error', reject)
    build.once('close', resolve)
  })
  const { workerOptions } = readWorkerOptions(config)
  const code = await closed
  if (code !== 0) return { failed: `The Worker can't be built:\n${output}` }
  const script = join(directory, basename(entry).replace(/\.ts$/, '.js'))
  return { script, options: { ...workerOptions, modulesRoot: dirname(script), bindings: {} } }
}

/**
 * One workerd process. Miniflare rather than wrangler's test harness: it starts in a third of the time, and its Worker
 * reaches the gateway from workerd itself, where the harness sends each request through Node's own fetch.
 */
export function runWorker(
  { options, script }: BuiltWorker,
  vars: Readonly<Record<string, string>>,
  onLog: (line: string) => void = () => undefined,
): Miniflare {
  return new Miniflare(
    convertV4MiniflareOptions({
      ...options,
      modules: [{ type: 'ESModule', path: script }],
      bindings: vars,
      host: '127.0.0.1',
      port: 0,
      cf: false,
      log: new NoOpLog(),
      handleStructuredLogs: ({ message }) => {
        onLog(message)
      },
    }),
  )
}
