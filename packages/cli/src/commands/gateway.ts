import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Target } from '@millrace/db/url'
import { isLoopback } from '@millrace/db/url/address'
import { endWithStarter } from '../ancestors.ts'
import { chooseDatabase, needsGateway, openGateway, type GatewayTarget } from '../connection.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { gatewayLog } from '../gateway-log.ts'
import { watchTokens } from '../gateway-tokens.ts'
import { untilInterrupted } from '../lifetime.ts'
import { parseGiven, parsePort, withDatabaseOption } from '../options.ts'
import { authority, claimablePort, reachableHost } from '../ports.ts'
import type { AddCommand } from '../command.ts'

interface GatewayOptions {
  readonly database?: string
  readonly host: string
  readonly port: number
  readonly tokenFile?: string
}

const examples = `
The functions reach the gateway at DATABASE_GATEWAY_URL and send DATABASE_GATEWAY_TOKEN. A token is required for SQLite
and for addresses other than loopback. It comes from --token-file, else from DATABASE_GATEWAY_TOKEN. The file can hold
several tokens, one per line, and is read again when it changes, so tokens can be rotated without a restart.
The log goes to standard error, one JSON object per line (plain text on a terminal); LOG_LEVEL sets its level. /metrics
serves metrics for Prometheus. The gateway stops when the process that started it ends.

Examples:
  millrace gateway --database postgresql://user:password@127.0.0.1:5432/workflows
  millrace gateway --database sqlite:///./workflows.db --token-file gateway-token
  millrace gateway --host 0.0.0.0 --port 8789 --token-file /run/secrets/gateway-token`

export const gatewayCommand: AddCommand = (parent: Command, run) => {
  withDatabaseOption(parent.command('gateway').description('serve SQL over HTTP for a database of your own'))
    .option('--host <address>', 'the address to listen on', parseGiven, '127.0.0.1')
    .option('--port <number>', 'the port to listen on; 0 for any free port', parsePort, 8789)
    .option('--token-file <file>', 'a file with the token that callers must send, or with several, one per line')
    .addHelpText('after', examples)
    .action((options: GatewayOptions) => run((context) => serve(context, options)))
}

async function serve(context: Context, options: GatewayOptions): Promise<number> {
  const { target, shownUrl } = chooseDatabase(context, options.database)
  if (!needsGateway(target)) throw needsNone(target, shownUrl)
  const tokens = chooseTokens(context, options)
  const exposure = exposureOf(target, options.host)
  if (tokens === undefined && exposure !== undefined) {
    throw new Failure('settings_invalid', {
      what: `A gateway ${target.via === 'file' ? 'for a SQLite file' : `on ${options.host}`} needs a token.`,
      why: exposure,
      fix: 'Give one of at least 32 random characters with --token-file or DATABASE_GATEWAY_TOKEN.',
    })
  }
  const log = gatewayLog(context, { isForPeople: process.stderr.isTTY && !context.output.isJson })
  const port = await claimablePort(options.host, options.port, '--port')
  endWithStarter(context.lifetime)
  await openGateway(context, target, { host: options.host, port, tokens, log, isForOthers: true })
  const url = `http://${authority(reachableHost(options.host), port)}`
  context.output.result({ url }, `The gateway for ${shownUrl} listens on ${url}. Press Ctrl-C to stop.`)
  await untilInterrupted(context.lifetime.interruption)
  return 0
}

function needsNone({ via }: Target, shownUrl: string): Failure {
  const isBound = via === 'd1' || via === 'hyperdrive'
  return new Failure('url_invalid', {
    what: 'This database needs no gateway.',
    why: isBound
      ? `${shownUrl} is a binding, by which the functions reach the database directly.`
      : `${shownUrl} has an HTTP endpoint of its own, which the functions reach directly.`,
    fix: 'Give the functions this DATABASE_URL, without DATABASE_GATEWAY_URL.',
  })
}

/** Who could reach the database through a gateway without a token; undefined where nobody could who may not anyway. */
function exposureOf({ via }: GatewayTarget, host: string): string | undefined {
  if (!isLoopback(host)) return 'Beyond loopback, anyone who reaches the port could read and change the database.'
  if (via === 'file')
    return 'Every user of this machine could read and change the file through the port, whatever its permissions.'
  return undefined
}

function chooseTokens(context: Context, { tokenFile }: GatewayOptions): (() => readonly string[]) | undefined {
  if (tokenFile !== undefined) return watchTokens(resolve(context.directories.caller, tokenFile))
  const token = context.environment()['DATABASE_GATEWAY_TOKEN']
  return token === undefined ? undefined : () => [token]
}
