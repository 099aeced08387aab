import { join } from 'node:path'
import type { SettingProblem, Settings } from '@millrace/api/settings'
import type { Target } from '@millrace/db/url'
import { isLoopback } from '@millrace/db/url/address'
import { needsGateway, type ChosenDatabase } from '../connection.ts'
import type { Context } from '../context.ts'
import { secretNames, settingsOnly } from '../environment.ts'
import { Failure, settingsFailure } from '../failure.ts'
import {
  behindHyperdrive,
  bindingsOf,
  hyperdriveBindingIn,
  hyperdrivesIn,
  type BehindHyperdrive,
  type ConfiguredHyperdrive,
} from '../hyperdrive.ts'
import { isRecord } from '../json.ts'
import { loadWrangler } from '../wrangler-program.ts'
import { planBuckets, type PlannedBucket } from './buckets.ts'
import { planD1, type PlannedD1 } from './planned-d1.ts'

export interface DeployOptions {
  readonly database?: string
  readonly env?: string
  readonly url?: string
}

/** What is deployed, where, and with which settings: checked as the functions check them, and for being deployed. */
export interface Plan {
  /** Path of wrangler.toml. */
  readonly config: string
  /** A named environment of wrangler.toml, or the one at its top. */
  readonly environment: string | undefined
  readonly worker: string
  readonly settings: Settings
  /** Of `settings`, what may be seen: goes to wrangler as arguments. */
  readonly vars: Readonly<Record<string, string>>
  /** What may not: goes to wrangler as a file. */
  readonly secrets: Readonly<Record<string, string>>
  /** The D1 database, where DATABASE_URL names one. */
  readonly d1: PlannedD1 | undefined
  readonly buckets: readonly PlannedBucket[]
  /** Where the deployment will be asked; else wrangler says where it put it. */
  readonly url: string | undefined
  /** Of functions that reach their database through Hyperdrive: the configuration's id, and the database by itself. */
  readonly hyperdrive: { readonly id: string; readonly own: ChosenDatabase } | undefined
}

/** Everything that can be found wrong without asking anyone. Throws one Failure that lists all of it. */
export async function makePlan(context: Context, options: DeployOptions): Promise<Plan> {
  const config = join(context.directories.workspace, 'wrangler.toml')
  const { worker, vars: configured, hyperdrives, d1Databases, buckets } = await readConfiguration(config, options)
  const environment = context.environment()
  const behind = readBehind(context, environment['DATABASE_URL'] ?? configured['DATABASE_URL'], options.database)
  // `--database` is the functions' own, but where they reach it through Hyperdrive.
  const functionsUrl = behind === undefined ? options.database : undefined
  const given = settingsOnly({ ...environment, ...(functionsUrl && { DATABASE_URL: functionsUrl }) })
  const { parseSettings } = await import('@millrace/api/settings')
  const isBound = (name: string) => hyperdrives.some(({ binding }) => binding === name)
  const parsed = parseSettings({ ...configured, ...given }, undefined, behind && bindingsOf(behind, isBound))
  const problems = [
    ...Object.keys(configured)
      .filter((name) => secretNames.has(name))
      .map(secretInConfiguration),
    ...(parsed.ok ? problemsOfPlace(parsed.settings) : parsed.problems),
  ]
  if (!parsed.ok || problems.length > 0) throw settingsFailure(problems, 'Nothing was changed.')
  for (const notice of parsed.notices) context.output.noteOnce(notice)
  const named = (isSecret: boolean) =>
    Object.fromEntries(Object.entries(given).filter(([name]) => secretNames.has(name) === isSecret))
  return {
    config,
    environment: options.env,
    worker,
    settings: parsed.settings,
    vars: named(false),
    secrets: named(true),
    d1: planD1(parsed.settings.database, worker, d1Databases),
    buckets,
    url: options.url === undefined ? undefined : originOf(options.url),
    hyperdrive: behind && {
      id: hyperdrives.find(({ binding }) => binding === behind.binding)?.id ?? '',
      own: behind.chosen,
    },
  }
}

/** The database behind Hyperdrive, where the functions' URL names a binding. Throws a Failure where nobody says which. */
function readBehind(
  context: Context,
  functionsUrl: string | undefined,
  databaseOption: string | undefined,
): BehindHyperdrive | undefined {
  const binding = hyperdriveBindingIn(hyperdriveBindingIn(databaseOption) === undefined ? functionsUrl : databaseOption)
  if (binding === undefined) return undefined
  if (databaseOption === undefined || hyperdriveBindingIn(databaseOption) !== undefined) {
    throw new Failure('usage', {
      what: 'DATABASE_URL leads through Hyperdrive, and the migrations need the database itself.',
      why: 'Only the deployed functions have a Hyperdrive binding.',
      fix: 'Leave DATABASE_URL as it is, and give the URL of the same database with --database.',
    })
  }
  const behind = behindHyperdrive(context, binding, databaseOption)
  if ('why' in behind) throw settingsFailure([behind], 'Nothing was changed.')
  return behind
}

interface Configuration {
  readonly worker: string
  readonly vars: Readonly<Record<string, string>>
  readonly hyperdrives: readonly ConfiguredHyperdrive[]
  readonly d1Databases: unknown
  readonly buckets: readonly PlannedBucket[]
}

async function readConfiguration(config: string, { env, url }: DeployOptions): Promise<Configuration> {
  const { unstable_readConfig: readConfig } = await loadWrangler()
  const read = (environment?: string): unknown => readConfig({ config, env: environment }, { hideWarnings: true })
  const environments = textsOf(membersOf(read())['definedEnvironments'])
  if (env !== undefined && !environments.includes(env)) {
    throw new Failure('usage', {
      what: `There is no environment "${env}".`,
      why: `wrangler.toml has ${environments.join(', ') || 'none'}.`,
      fix: `Choose one of them with --env, or add [env.${env}] to wrangler.toml.`,
    })
  }
  const members = membersOf(read(env))
  const { name, vars, workers_dev: hasOwnHost, route, routes, d1_databases: d1Databases, r2_buckets: bound } = members
  const isSomewhere = hasOwnHost !== false || route !== undefined || textsOf(routes).length > 0
  if (!isSomewhere && url === undefined) {
    throw new Failure('usage', {
      what: 'Nobody could reach this deployment, so whether it is ready cannot be seen.',
      why: 'wrangler.toml turns workers_dev off and has no route for it.',
      fix: 'Give it a route, or name the URL at which it will answer with --url.',
    })
  }
  const texts = Object.entries(membersOf(vars)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return {
    worker: String(name),
    vars: Object.fromEntries(texts),
    hyperdrives: hyperdrivesIn(members),
    d1Databases,
    buckets: planBuckets(bound),
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {}
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map((item) => (typeof item === 'string' ? item : JSON.stringify(item))) : []
}

function secretInConfiguration(variable: string): SettingProblem {
  return {
    variable,
    why: 'it is a secret, but wrangler.toml is in git and its variables are shown in the dashboard',
    fix: `Take it out of wrangler.toml, replace the secret, and give it in the environment or as ${variable}_FILE.`,
  }
}

/** What is right on this machine and can't work, or isn't safe, for functions that run elsewhere. */
function problemsOfPlace(settings: Settings): readonly SettingProblem[] {
  const { database, readDatabase, gatewayUrl, readGatewayUrl, gatewayToken } = settings
  const problems = [ownEndpointProblem('DATABASE_URL', database)]
  if (readDatabase !== undefined) problems.push(ownEndpointProblem('DATABASE_READ_URL', readDatabase))
  if (readGatewayUrl !== undefined) problems.push(gatewayProblem('DATABASE_READ_GATEWAY_URL', new URL(readGatewayUrl)))
  if (gatewayUrl !== undefined && needsGateway(database)) {
    problems.push(
      gatewayProblem('DATABASE_GATEWAY_URL', new URL(gatewayUrl)),
      gatewayToken === undefined ? tokenMissing : undefined,
    )
  }
  return problems.filter((problem) => problem !== undefined)
}

const tokenMissing: SettingProblem = {
  variable: 'DATABASE_GATEWAY_TOKEN',
  why: 'it is not set, so everyone who reaches the gateway could use the database',
  fix: 'Set it to the token that the gateway was started with, of 32 random characters or more.',
}

function ownEndpointProblem(variable: string, target: Target): SettingProblem | undefined {
  if (target.via !== 'libsql' || !isLoopback(new URL(target.url).hostname)) return undefined
  return {
    variable,
    why: 'it leads to this machine, which functions that run elsewhere do not reach',
    fix: 'Use the URL of a libSQL server on the network, with https.',
  }
}

function gatewayProblem(variable: string, url: URL): SettingProblem | undefined {
  if (isLoopback(url.hostname)) {
    return {
      variable,
      why: 'it leads to this machine, which functions that run elsewhere do not reach',
      fix: 'Run `millrace gateway` beside the database, behind TLS, and set this to its https URL (docs/deploy.md).',
    }
  }
  if (url.protocol === 'https:') return undefined
  return {
    variable,
    why: 'it is http, so the token and all data would cross the network in clear',
    fix: 'Put TLS before the gateway (docs/deploy.md), and set this to its https URL.',
  }
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '')
    return url.origin
  throw new Failure('usage', {
    what: '--url is not an http(s) URL without a path.',
    why: 'The routes of the API are asked for below it.',
    fix: 'Give it as https://api.example.com.',
  })
}
