import { type BindingPlace, readBinding } from './binding.ts'
import { UrlFault } from './fault.ts'
import { readScheme, type UrlKind } from './scheme.ts'
import { readServer } from './server.ts'
import type { ServerAddress, UrlEnvironment } from './index.ts'

const example = 'hyperdrive://BINDING, such as hyperdrive://HYPERDRIVE'

export interface HyperdrivePlace extends BindingPlace {
  readonly dialect: 'postgres' | 'mysql'
  readonly address: ServerAddress
}

/** A server behind a Hyperdrive binding. Which kind it is only the binding's connection string says. */
export function readHyperdrive(
  source: string,
  bodyStart: number,
  { hyperdrive }: UrlEnvironment,
): HyperdrivePlace | UrlFault {
  const place = readBinding(source, bodyStart, example)
  if (place instanceof UrlFault) return place
  if (hyperdrive === undefined) return outsideWorker(place)
  const connectionString = hyperdrive(place.binding)
  if (connectionString === undefined) return unbound(place)
  // Its options are for drivers that find TLS by them; Hyperdrive's end of the connection is in the Worker.
  const url = connectionString.replace(/\?.*$/s, '')
  const scheme = readScheme(url)
  if (scheme instanceof UrlFault) return unreadable(place)
  const server = servers[scheme.kind]
  if (server === undefined) return unreadable(place)
  const read = readServer(url, scheme.bodyStart, { defaultPort: server.defaultPort, example: '' })
  if (read instanceof UrlFault) return unreadable(place)
  return { ...place, dialect: server.dialect, address: { ...read.address, options: place.options } }
}

const servers: Partial<Record<UrlKind, { readonly dialect: 'postgres' | 'mysql'; readonly defaultPort: number }>> = {
  postgres: { dialect: 'postgres', defaultPort: 5432 },
  mysql: { dialect: 'mysql', defaultPort: 3306 },
}

function outsideWorker({ span }: BindingPlace): UrlFault {
  return new UrlFault(
    span,
    'DATABASE_URL leads through a Hyperdrive binding, which only the deployed functions have',
    'Commands and `millrace serve` reach the same database by itself.',
    "Give the database's own URL, postgresql://… or mysql://…, with --database or DATABASE_URL.",
  )
}

function unbound({ span }: BindingPlace): UrlFault {
  return new UrlFault(
    span,
    'DATABASE_URL names a Hyperdrive binding that the Worker does not have',
    'No Hyperdrive configuration is bound under this name.',
    'Correct the name, or add [[hyperdrive]] with this binding and the id of the configuration to wrangler.toml.',
  )
}

/** Nothing of the connection string is shown: it holds a password. */
function unreadable({ span }: BindingPlace): UrlFault {
  return new UrlFault(
    span,
    "The connection string of DATABASE_URL's Hyperdrive binding cannot be read",
    'It has to lead to PostgreSQL or MySQL, with a user, a host and a database.',
    'Check the Hyperdrive configuration with `wrangler hyperdrive get ID`.',
  )
}
