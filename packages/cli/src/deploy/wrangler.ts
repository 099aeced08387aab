import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { stripVTControlCharacters } from 'node:util'
import type { Context } from '../context.ts'
import { settingNames } from '../environment.ts'
import { Failure } from '../failure.ts'
import { isRecord } from '../json.ts'
import { fixWithoutR2 } from './buckets.ts'
import type { Plan } from './plan.ts'
import { temporaryDirectory } from '../temporary-directory.ts'
import { wranglerScript } from '../wrangler-program.ts'

export interface Bundle {
  readonly bytes: number
  readonly gzipBytes: number
}

/** What wrangler says of a deployment, or of a dry run: then `version` and `url` are null. */
export interface Deployed {
  /** The platform's id of what was uploaded. */
  readonly version: string | null
  readonly url: string | null
  readonly bundle: Bundle
}

const keptLines = 30
/** How long wrangler has to end after a signal. */
const endMilliseconds = 3000

/**
 * `wrangler deploy`: what is secret goes in a file that only this user reads and that is gone with the command, and is
 * neither among its arguments nor in its environment. Throws a Failure with wrangler's last lines when it fails.
 */
export async function wranglerDeploy(
  context: Context,
  plan: Plan,
  { isDryRun }: { isDryRun: boolean },
): Promise<Deployed> {
  const directory = temporaryDirectory(context, 'deploy')
  const report = join(directory, 'report.ndjson')
  const secretsFile = join(directory, 'secrets.json')
  writeFileSync(secretsFile, JSON.stringify(plan.secrets), { mode: 0o600 })
  const args = [
    'deploy',
    `--config=${plan.config}`,
    ...(plan.environment === undefined ? ['--env='] : [`--env=${plan.environment}`]),
    ...Object.entries(plan.vars).map(([name, value]) => `--var=${name}:${value}`),
    ...(isDryRun ? ['--dry-run', `--outdir=${join(directory, 'bundle')}`] : [`--secrets-file=${secretsFile}`]),
  ]
  await runWrangler(context, { args, report, secrets: Object.values(plan.secrets) })
  rmSync(secretsFile, { force: true })
  const deployed = existsSync(report) ? deployedIn(readFileSync(report, 'utf8')) : undefined
  if (deployed !== undefined) return deployed
  throw new Failure('internal', {
    what: 'wrangler ended without saying what it deployed.',
    why: 'Its report has no deployment in it.',
    fix: 'See what is there with `wrangler deployments list`, and run this again.',
  })
}

interface Run {
  /** Whether its lines are no news for people. */
  readonly isQuiet?: boolean
  readonly args: readonly string[]
  /** The file in which wrangler says what it did, a JSON document a line, where that is wanted. */
  readonly report?: string
  readonly secrets: readonly string[]
}

/** Runs wrangler with this machine's log-in, and gives its last lines. Throws a Failure with them when it fails. */
export async function runWrangler(
  context: Context,
  { args, report, secrets, isQuiet = false }: Run,
): Promise<readonly string[]> {
  const { interruption } = context.lifetime
  interruption.throwIfAborted()
  const child = spawn(process.execPath, [wranglerScript(), ...args], {
    cwd: context.directories.workspace,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: wranglerEnvironment(report),
  })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      const shown = without(secrets, stripVTControlCharacters(line))
      if (!isQuiet) context.output.note(shown)
      if (shown.trim() !== '') lines.push(shown)
      if (lines.length > keptLines) lines.shift()
    })
  }
  const ended = new Promise<number>((resolve) => {
    child.once('error', () => resolve(1))
    child.once('close', (code) => resolve(code ?? 1))
  })
  const stop = (): void => {
    child.kill('SIGTERM')
    setTimeout(() => child.kill('SIGKILL'), endMilliseconds).unref()
  }
  interruption.addEventListener('abort', stop)
  const exitCode = await ended
  interruption.removeEventListener('abort', stop)
  interruption.throwIfAborted()
  if (exitCode !== 0) throw wranglerFailure(args[0] ?? '', exitCode, lines)
  return lines
}

/** Wrangler's own variables stay (CLOUDFLARE_API_TOKEN, proxies); millrace's settings are none of its business. */
function wranglerEnvironment(report: string | undefined): NodeJS.ProcessEnv {
  const own = new Set<string>(settingNames.flatMap((name) => [name, `${name}_FILE`]))
  const kept = Object.entries(process.env).filter(([name]) => !own.has(name))
  return {
    ...Object.fromEntries(kept),
    CI: process.env['CI'] ?? '1',
    FORCE_COLOR: '0',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_HIDE_BANNER: 'true',
    ...(report === undefined ? {} : { WRANGLER_OUTPUT_FILE_PATH: report }),
  }
}

function without(secrets: readonly string[], line: string): string {
  return secrets.reduce((text, secret) => text.replaceAll(secret, '***'), line)
}

function wranglerFailure(command: string, exitCode: number, lines: readonly string[]): Failure {
  const error = lines.findIndex((line) => line.includes('[ERROR]'))
  return new Failure('internal', {
    what: `wrangler ${command} ended with exit code ${exitCode}: what was deployed before still answers.`,
    why: lines.slice(Math.max(error, 0)).join('\n') || 'It said nothing.',
    // Of a log-in by `wrangler login`, with which only wrangler sees the account.
    fix: lines.some((line) => line.includes('code: 10042'))
      ? fixWithoutR2
      : 'Correct what it says and run this again. Migrations that were applied stay applied; the old code runs with them.',
  })
}

function deployedIn(report: string): Deployed | undefined {
  for (const line of report.split('\n').filter((text) => text !== '')) {
    const entry: unknown = JSON.parse(line)
    if (!isRecord(entry) || entry['type'] !== 'deploy') continue
    const { version_id: version, targets, bundle_size: size } = entry
    return {
      version: typeof version === 'string' ? version : null,
      url: Array.isArray(targets) ? urlAmong(targets) : null,
      bundle: isRecord(size)
        ? { bytes: Number(size['raw_bytes']), gzipBytes: Number(size['gzip_bytes']) }
        : { bytes: 0, gzipBytes: 0 },
    }
  }
  return undefined
}

/** Targets are URLs, `host (custom domain)`, `host/* (zone name: …)`, and `schedule: …`, which is no place. */
function urlAmong(targets: readonly unknown[]): string | null {
  const texts = targets.filter((target) => typeof target === 'string')
  const url = texts.find((text) => /^https?:\/\//.test(text))
  if (url !== undefined) return new URL(url).origin
  const host = texts
    .map((text) => /^([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?:\/\*)?(?: \(|$)/.exec(text)?.[1])
    .find((name) => name)
  return host === undefined ? null : `https://${host}`
}
