import { join } from 'node:path'
import type { DatabaseBindings, SettingProblem } from '@millrace/api/settings'
import type { HyperdriveBinding, Target } from '@millrace/db/url'
import { chooseDatabase, type ChosenDatabase } from './connection.ts'
import type { Context } from './context.ts'
import { Failure, settingsFailure } from './failure.ts'
import { isRecord } from './json.ts'
import { loadWrangler } from './wrangler-program.ts'

/** A Hyperdrive binding of wrangler.toml. */
export interface ConfiguredHyperdrive {
  readonly binding: string
  readonly id: string
  readonly localConnectionString: string | undefined
}

/** `[[hyperdrive]]` of wrangler.toml, as wrangler has read it. */
export function hyperdrivesIn(configuration: Readonly<Record<string, unknown>>): readonly ConfiguredHyperdrive[] {
  const { hyperdrive } = configuration
  if (!Array.isArray(hyperdrive)) return []
  return hyperdrive.filter(isRecord).map(({ binding, id, localConnectionString }) => ({
    binding: String(binding),
    id: String(id),
    localConnectionString: typeof localConnectionString === 'string' ? localConnectionString : undefined,
  }))
}

/** The name in `hyperdrive://BINDING`; undefined for every other URL. */
export function hyperdriveBindingIn(url: string | undefined): string | undefined {
  return /^\s*hyperdrive:\/\/([^?\s]*)/i.exec(url ?? '')?.[1]
}

/** wrangler's own variable for where a binding leads on this machine, with the binding's name behind it. */
export const localConnectionVariable = 'CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_'

/** The database behind a binding, by its own URL. */
export interface BehindHyperdrive {
  readonly binding: string
  readonly chosen: ChosenDatabase & { readonly target: ServerTarget }
}

/** As `dev` has it. */
export interface LocalHyperdrive extends BehindHyperdrive {
  /** Whether wrangler.toml has the binding: for local work one needs no configuration at Cloudflare. */
  readonly isConfigured: boolean
}

type ServerTarget = Extract<Target, { readonly dialect: 'postgres' | 'mysql' }>

/** @returns the problem where the URL leads to no server, which Hyperdrive alone reaches. Throws for a URL that is wrong. */
export function behindHyperdrive(context: Context, binding: string, ownUrl: string): BehindHyperdrive | SettingProblem {
  const chosen = chooseDatabase(context, ownUrl)
  const { target } = chosen
  if (target.dialect !== 'sqlite') return { binding, chosen: { ...chosen, target } }
  return {
    variable: 'DATABASE_URL',
    why: `it leads through Hyperdrive, and the database that is given for the commands, ${chosen.shownUrl}, is not one that Hyperdrive reaches`,
    fix: 'Give the URL of the same PostgreSQL or MySQL that the Hyperdrive configuration leads to.',
  }
}

/**
 * For `dev`: the database behind the binding that DATABASE_URL names, of `--database` or from where wrangler would take
 * it. Undefined for every other URL; throws a Failure where nothing says it.
 */
export async function chooseBehindHyperdrive(
  context: Context,
  databaseOption: string | undefined,
): Promise<LocalHyperdrive | undefined> {
  const environment = context.environment()
  const isOptionBinding = hyperdriveBindingIn(databaseOption) !== undefined
  const binding = hyperdriveBindingIn(isOptionBinding ? databaseOption : environment['DATABASE_URL'])
  if (binding === undefined) return undefined
  const configured = await configuredFor(context, binding)
  const ownUrl =
    (isOptionBinding ? undefined : databaseOption) ??
    environment[`${localConnectionVariable}${binding}`] ??
    configured?.localConnectionString
  if (ownUrl === undefined || ownUrl === '') {
    throw new Failure('usage', {
      what: `Where the Hyperdrive binding ${binding} leads on this machine is not said.`,
      why: 'Hyperdrive itself works only where the functions are deployed.',
      fix: `Give the database's own URL with --database, in ${localConnectionVariable}${binding}, or as localConnectionString in wrangler.toml.`,
    })
  }
  const behind = behindHyperdrive(context, binding, ownUrl)
  if ('why' in behind) throw settingsFailure([behind])
  if (behind.chosen.target.password === '') throw withoutPassword(behind)
  return { ...behind, isConfigured: configured !== undefined }
}

/** wrangler would end, with that as a line among a hundred others. */
function withoutPassword({ binding, chosen: { shownUrl, target } }: BehindHyperdrive): Failure {
  return new Failure('usage', {
    what: `${shownUrl} has no password, and wrangler's binding ${binding} needs one.`,
    why: 'wrangler takes no Hyperdrive binding without it, for local work either.',
    fix:
      target.dialect === 'postgres'
        ? 'Give the user a password. A server that asks this user for none takes any: write USER:any@HOST.'
        : 'Give the user a password.',
  })
}

async function configuredFor({ directories }: Context, binding: string): Promise<ConfiguredHyperdrive | undefined> {
  const { unstable_readConfig: readConfig } = await loadWrangler()
  const configuration: unknown = readConfig(
    { config: join(directories.workspace, 'wrangler.toml') },
    { hideWarnings: true },
  )
  const found = hyperdrivesIn(isRecord(configuration) ? configuration : {})
  return found.find((hyperdrive) => hyperdrive.binding === binding)
}

/** What the functions will find in their environment, for checking settings as they do. */
export function bindingsOf(
  { chosen: { target } }: BehindHyperdrive,
  isBound: (binding: string) => boolean,
): DatabaseBindings {
  const { dialect, host, port, database, user, password } = target
  const found: HyperdriveBinding = {
    connectionString: `${dialect}://`,
    host,
    port,
    database,
    user,
    password,
  }
  return { hasD1: () => true, hyperdrive: (binding) => (isBound(binding) ? found : undefined) }
}

/** As wrangler takes it for local work: without what other drivers write into a URL. */
export function localConnectionString({ chosen: { target } }: BehindHyperdrive): string {
  const scheme = target.dialect === 'postgres' ? 'postgresql' : 'mysql'
  const [user, password, database] = [target.user, target.password, target.database].map(encodeURIComponent)
  const host = target.host.includes(':') ? `[${target.host}]` : target.host
  const tls = target.options.tlsMode
  const isEncrypted = tls !== 'disable' && tls !== 'prefer'
  return `${scheme}://${user}:${password}@${host}:${target.port}/${database}${isEncrypted ? '?sslmode=require' : ''}`
}
