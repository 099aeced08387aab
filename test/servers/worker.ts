import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
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

/** Builds into a folder, once for all tests of a run. */
export async function buildWorker(directory: string): Promise<BuiltWorker | UnbuiltWorker> {
  const config = join(workspaceRoot, 'wrangler.toml')
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
  const closed = new Promise<number | null>((resolve, reject) => {
    build.once('error', reject)
    build.once('close', resolve)
  })
  const { workerOptions } = readWorkerOptions(config)
  const code = await closed
  if (code !== 0) return { failed: `The Worker can't be built:\n${output}` }
  const script = join(directory, 'index.js')
  return { script, options: { ...workerOptions, modulesRoot: dirname(script), bindings: {} } }
}
