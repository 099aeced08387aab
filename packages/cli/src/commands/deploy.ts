import { errorCodes, type ErrorCode } from '@millrace/api/errors'
import { DatabaseError } from '@millrace/db/sql/errors'
import type { Database } from '@millrace/db/store/database'
import type { Target } from '@millrace/db/url'
import { InvalidArgumentError, type Command } from 'commander'
import type { AddCommand } from '../command.ts'
import { connect, loadDrivers, needsGateway } from '../connection.ts'
import type { Context } from '../context.ts'
import { createBuckets, findBuckets, type FoundBucket } from '../deploy/buckets.ts'
import { placeD1, type PlacedPlan } from '../deploy/d1.ts'
import { makePlan, type DeployOptions as PlanOptions, type Plan } from '../deploy/plan.ts'
import { awaitReadiness } from '../deploy/readiness.ts'
import { refuseCaching } from '../deploy/hyperdrive-caching.ts'
import { wranglerDeploy, type Bundle, type Deployed } from '../deploy/wrangler.ts'
import { asFailure, Failure } from '../failure.ts'
import { applyMigrations, readMigrations } from '../migrations.ts'
import { withDatabaseOption } from '../options.ts'
import { noteMigrations } from './migrate.ts'

interface DeployOptions extends PlanOptions {
  readonly dryRun?: boolean
  readonly wait: number
}

const examples = `
Checks the settings, applies the migrations, uploads the functions with wrangler, and waits until the new version answers
/readyz. Settings come from the environment, from NAME_FILE or from .env. Secrets are handed to wrangler in a temporary
file, never as arguments. The command connects to the database in the same way as the functions: through
DATABASE_GATEWAY_URL if they need the gateway. With Hyperdrive, name the database with --database. Log in with
\`wrangler login\` first, or set CLOUDFLARE_API_TOKEN.

Examples:
  millrace deploy --env staging --dry-run
  millrace deploy --env staging
  millrace deploy --env production --url https://api.example.com --json
  DATABASE_URL=hyperdrive://HYPERDRIVE millrace deploy --env production --database "$POSTGRES_URL"`

export const deployCommand: AddCommand = (parent: Command, run) => {
  withDatabaseOption(
    parent.command('deploy').description('migrate the database, upload the functions, and wait until they are ready'),
  )
    .option(
      '--env <name>',
      'an environment of wrangler.toml: staging or production (default: the top level of the file)',
    )
    .option('--dry-run', 'check the settings and the migrations and bundle the functions, without changing anything')
    .option('--url <url>', 'the URL of the deployment (default: the one that wrangler reports)')
    .option('--wait <seconds>', 'how long to wait until /readyz answers 200', parseSeconds, 120)
    .addHelpText('after', examples)
    .action((options: DeployOptions) => run((context) => deploy(context, options)))
}

function parseSeconds(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('A number of seconds is 0 to 9999.')
  return Number(text)
}

async function deploy(context: Context, options: DeployOptions): Promise<number> {
  const isDryRun = options.dryRun === true
  const made = await makePlan(context, options)
  const buckets = await findBuckets(context, made.buckets)
  const placed = await openPlan(context, made, isDryRun)
  const { database } = placed
  // Only a dry run leaves a D1 database that is missing as it is.
  return isDryRun || database === undefined
    ? rehearse(context, { ...placed, buckets })
    : perform(context, { ...placed, database, buckets }, options.wait)
}

/** A plan with what it needs in the account. */
interface Prepared extends PlacedPlan {
  readonly buckets: readonly FoundBucket[]
}

async function openPlan(context: Context, plan: Plan, isDryRun: boolean): Promise<PlacedPlan> {
  if (plan.d1 !== undefined) return placeD1(context, plan, plan.d1, { isDryRun })
  return { plan, database: await openAsFunctions(context, plan) }
}

/** The database by the way that the functions go: a gateway that they can't pass is found here. */
async function openAsFunctions(context: Context, { settings, hyperdrive }: Plan): Promise<Database> {
  // Only they have the binding; the commands reach what is behind it.
  if (hyperdrive !== undefined) return (await connect(context, hyperdrive.own)).database
  const { database: target, gatewayUrl, gatewayToken } = settings
  const openDatabase = await loadDrivers()
  return openDatabase(needsGateway(target) ? { target, gatewayUrl, gatewayToken } : { target })
}

async function rehearse(context: Context, { plan, database, buckets }: Prepared): Promise<number> {
  const asked = database === undefined ? allPending(context) : await askForMigrations(context, database)
  const deployed = await wranglerDeploy(context, plan, { isDryRun: true })
  const document = { ...documentOf(plan, deployed, buckets), dryRun: true, applied: [] }
  if ('unreachable' in asked) {
    const failure = unreachable(plan, asked.unreachable)
    context.output.failure(failure, { ok: false, ...document, pending: null })
    return failure.exitCode
  }
  const { pending } = asked
  context.output.result(
    { ...document, pending },
    [
      `${plan.worker} can be deployed. Nothing was changed.`,
      `  database   ${database === undefined ? `will be created: D1 ${plan.d1?.name ?? ''}; then it ` : ''}${pending.length === 0 ? 'has every migration' : `lacks ${pending.join(', ')}`}`,
      ...wordsOf(plan, deployed.bundle, buckets),
    ].join('\n'),
  )
  return 0
}

type Asked = { readonly pending: readonly string[] } | { readonly unreachable: DatabaseError }

/** Of a D1 database that the deployment will create. */
function allPending({ directories }: Context): Asked {
  return { pending: readMigrations(directories.workspace, 'sqlite').map(({ name }) => name) }
}

/** What is pending; where nobody answers, the other checks go on without. */
async function askForMigrations(context: Context, database: Database): Promise<Asked> {
  const { migrationStatus, refuseWhileRestoring } = await import('@millrace/db/migrate/migrate')
  try {
    await refuseWhileRestoring(database)
    const { pending, changed } = await migrationStatus(
      database,
      readMigrations(context.directories.workspace, database.dialect.name),
    )
    if (changed.length > 0) throw changedFailure(changed)
    return { pending }
  } catch (thrown) {
    const isUnreachable = thrown instanceof DatabaseError && unreachableFaults.has(thrown.fault)
    if (isUnreachable) return { unreachable: thrown }
    throw thrown
  }
}

const unreachableFaults: ReadonlySet<DatabaseError['fault']> = new Set(['database_unreachable', 'database_timeout'])

function unreachable({ worker, settings }: Plan, error: DatabaseError): Failure {
  const { code, words } = asFailure(error)
  return new Failure(code, {
    what: `${hostOf(settings)} cannot be reached. ${worker} was bundled, and its settings are right; its migrations were not checked. Nothing was changed.`,
    why: words.why,
    fix: 'Check that address from this machine (firewall, VPN, TLS), and run the dry run again.',
  })
}

/** Where the functions will look for the database. */
function hostOf({ database: target, gatewayUrl }: Plan['settings']): string {
  if (needsGateway(target)) return gatewayUrl === undefined ? 'The gateway' : `The gateway ${new URL(gatewayUrl).host}`
  return `The database ${hostOfTarget(target)}`
}

function hostOfTarget(target: Exclude<Target, { readonly via: 'file' }>): string {
  switch (target.via) {
    case 'libsql':
      return new URL(target.url).host
    case 'd1':
      return target.binding
    default:
      return target.host
  }
}

async function perform(
  context: Context,
  { plan, database, buckets: found }: Prepared & { readonly database: Database },
  waitSeconds: number,
): Promise<number> {
  const { interruption } = context.lifetime
  await refuseCaching(context, plan)
  const buckets = await createBuckets(context, found)
  const applied = await applyMigrations(context, database)
  await noteMigrations(context, database, applied)
  const deployed = await wranglerDeploy(context, plan, { isDryRun: false })
  const url = plan.url ?? deployed.url
  const document = { ...documentOf(plan, deployed, buckets), url, dryRun: false, pending: [], applied }
  if (url === null) throw unplaced(plan)
  context.output.note(`Waiting until ${deployed.version ?? 'it'} is ready on ${url}.`)
  const readiness = await awaitReadiness({ url, version: deployed.version, waitSeconds, interruption })
  if (!readiness.isReady) {
    const failure = notReady(plan, waitSeconds, readiness)
    context.output.failure(failure, { ok: false, ...document })
    return failure.exitCode
  }
  context.output.result(
    document,
    [
      `${plan.worker} is deployed and ready on ${url}`,
      `  version    ${deployed.version ?? 'not named'}`,
      `  database   ${readiness.dialect}, schema ${readiness.schema}, migrations applied: ${applied.join(', ') || 'none'}`,
      ...wordsOf(plan, deployed.bundle, buckets),
    ].join('\n'),
  )
  return 0
}

function documentOf(
  { worker, environment, vars, secrets }: Plan,
  { version, url, bundle }: Deployed,
  buckets: readonly FoundBucket[],
) {
  return {
    worker,
    environment: environment ?? null,
    url,
    version,
    bundle,
    buckets: buckets.map(({ name, state }) => ({ name, state })),
    vars: Object.keys(vars).toSorted(),
    secrets: Object.keys(secrets).toSorted(),
  }
}

function wordsOf(
  { vars, secrets }: Plan,
  { bytes, gzipBytes }: Bundle,
  buckets: readonly FoundBucket[],
): readonly string[] {
  const [all, gzipped] = [bytes, gzipBytes].map((count) => (count / 1024).toFixed(0))
  return [
    ...buckets.map(({ name, state }) => `  backups    R2 bucket ${name}${bucketWords[state]}`),
    `  bundle     ${all} KiB, ${gzipped} KiB gzipped`,
    `  vars       ${Object.keys(vars).toSorted().join(', ') || 'none'}`,
    `  secrets    ${Object.keys(secrets).toSorted().join(', ')}`,
  ]
}

const bucketWords: Readonly<Record<FoundBucket['state'], string>> = {
  found: '',
  missing: ', which will be created',
  created: ', created',
  unknown: ', which wrangler creates if it is missing',
}

function changedFailure(changed: readonly string[]): Failure {
  return new Failure('migration_changed', {
    what: 'Migrations were changed since they were applied.',
    why: `The database has another text of ${changed.join(', ')}.`,
    fix: 'See `millrace migrate status`; take the new text with `millrace migrate --accept-changed NAME`.',
  })
}

function unplaced({ worker }: Plan): Failure {
  return new Failure('internal', {
    what: `${worker} was uploaded, but whether it is ready could not be seen.`,
    why: 'wrangler named no URL at which it answers.',
    fix: 'Run this again with --url, the URL at which it answers.',
  })
}

function notReady(
  { environment }: Plan,
  waitSeconds: number,
  { code, why }: { readonly code: string | undefined; readonly why: string },
): Failure {
  const place = environment === undefined ? '' : ` --env ${environment}`
  return new Failure(isErrorCode(code) ? code : 'internal', {
    what: `What was deployed is not ready after ${waitSeconds} seconds.`,
    why,
    fix: `See its log with \`wrangler tail${place}\`; the version before comes back with \`wrangler rollback${place}\`.`,
  })
}

function isErrorCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && errorCodes.some((known) => known === code)
}
