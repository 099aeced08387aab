import { type BindingPlace, readBinding } from './binding.ts'
import { UrlFault } from './fault.ts'
import { schemeIn } from './scheme.ts'
import type { ServerAddress, UrlEnvironment } from './target.ts'

const example = 'hyperdrive://BINDING, such as hyperdrive://HYPERDRIVE'

export interface HyperdrivePlace extends BindingPlace {
  readonly dialect: 'postgres' | 'mysql'
  readonly address: ServerAddress
}

/** A server behind a Hyperdrive binding. Which kind it is only the binding's connection string says. */
export function readHyperdrive(source: string, bodyStart: number, { hyperdrive }: UrlEnvironment): HyperdrivePlace {
  const place = readBinding(source, bodyStart, example)
  if (hyperdrive === undefined) throw outsideWorker(place)
  const bound = hyperdrive(place.binding)
  if (bound === undefined) throw unbound(place)
  const dialect = dialectOf(bound.connectionString)
  const { host, port, database, user, password } = bound
  if (dialect === undefined || host === '' || database === '' || user === '') throw unreadable(place)
  return { ...place, dialect, address: { host, port, database, user, password, options: place.options } }
}

/** Only the scheme of its connection string says what is behind a binding. */
function dialectOf(connectionString: string): 'postgres' | 'mysql' | undefined {
  const kind = schemeIn(connectionString)?.kind
  return kind === 'postgres' || kind === 'mysql' ? kind : undefined
}

function outsideWorker({ span }: BindingPlace): UrlFault {
  return new UrlFault(
    span,
    'DATABASE_URL leads through a Hyperdrive binding, which only the deployed functions have',
    'Commands and `millrace serve` reach the same database by itself.',
    "Give the database's own URL, postgresql://… or mysql://…, to the command.",
  )
}

function unbound({ span }: BindingPlace): UrlFault {
  return new UrlFault(
    span,
    'DATABASE_URL names a Hyperdrive binding that the Worker does not have',
    'No Hyperdrive configuration is bound under this name.',
    'Correct the name, or make one with `npx wrangler hyperdrive create NAME --caching-disabled --connection-string=URL`, and add [[hyperdrive]] with this binding and its id to wrangler.toml.',
  )
}

/** Nothing of the binding is shown: it holds a password. */
function unreadable({ span }: BindingPlace): UrlFault {
  return new UrlFault(
    span,
    "DATABASE_URL's Hyperdrive binding leads to no database that can be used",
    'It has to lead to PostgreSQL or MySQL, with a user, a host and a database.',
    'Check the Hyperdrive configuration with `wrangler hyperdrive get ID`.',
  )
}
