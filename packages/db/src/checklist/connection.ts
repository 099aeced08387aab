import { DatabaseError } from '../sql/errors.ts'
import type { InspectionDialect } from './inspection.ts'
import type { Transport } from '../sql/transport.ts'
import type { Trouble } from '../sql/troubles.ts'
import { allNotChecked, fail, notChecked, ok, type Finding } from './finding.ts'
import { readTexts } from './subject.ts'

/** What a server told of itself. */
export interface ServerFacts {
  /** `PostgreSQL 18.1` */
  readonly product: string
  readonly encoding: string
  readonly isReadOnly: boolean
  /** The server's time, and ours just before it was asked and just after it had answered. */
  readonly at: Date
  readonly askedAt: Date
  readonly answeredAt: Date
  /** Of connections, by what sets them. */
  readonly limits: readonly { readonly name: string; readonly connections: number }[]
}

export interface Connected {
  readonly findings: readonly Finding[]
  /** Undefined where nothing more can be asked. */
  readonly facts: ServerFacts | undefined
}

/** `reachable`, `auth` and `database.exists`, by the first question that the server is asked. */
export async function checkConnection(
  transport: Transport,
  inspection: InspectionDialect,
  clock: () => Date,
): Promise<Connected> {
  try {
    const facts = await readFacts(transport, inspection, clock)
    const { product, askedAt, answeredAt } = facts
    const milliseconds = answeredAt.getTime() - askedAt.getTime()
    const reachable = ok('reachable', `${product} answered in ${milliseconds} ms.`)
    return { findings: [reachable, await checkRights(transport, inspection, facts), found], facts }
  } catch (thrown) {
    if (!(thrown instanceof DatabaseError)) throw thrown
    return { findings: connectionFindings(thrown), facts: undefined }
  }
}

const answered = ok('reachable', 'The server answered.')
const found = ok('database.exists', 'The database exists.')

const tlsTroubles: ReadonlySet<Trouble> = new Set<Trouble>(['tls_required', 'tls_unsupported', 'certificate_untrusted'])

/** What a connection that failed says of the three. */
function connectionFindings({ fault, trouble, message, fix }: DatabaseError): readonly Finding[] {
  const words = `${message}.`
  if (tlsTroubles.has(trouble)) {
    return [fail('tls', words, fix), ...allNotChecked(['reachable', 'auth', 'database.exists'], words, fix)]
  }
  switch (fault) {
    case 'database_auth_failed':
      return [answered, fail('auth', words, fix), notChecked('database.exists', words, fix)]
    case 'database_missing':
      return [answered, ok('auth', 'The server accepted the user.'), fail('database.exists', words, fix)]
    default:
      return [fail('reachable', words, fix), ...allNotChecked(['auth', 'database.exists'], words, fix)]
  }
}

export async function readFacts(
  transport: Transport,
  { server, limitNames }: InspectionDialect,
  clock: () => Date,
): Promise<ServerFacts> {
  const askedAt = clock()
  const [[product = '', milliseconds, encoding = '', isReadOnly, ...limits] = []] = await readTexts(transport, server)
  return {
    product,
    encoding,
    isReadOnly: isReadOnly === '1',
    at: new Date(Number(milliseconds)),
    askedAt,
    answeredAt: clock(),
    limits: limitNames.flatMap((name, position) => {
      const limit = limits[position]
      return limit === undefined ? [] : [{ name, connections: Number(limit) }]
    }),
  }
}

async function checkRights(
  transport: Transport,
  { rights }: InspectionDialect,
  { isReadOnly }: ServerFacts,
): Promise<Finding> {
  if (isReadOnly) {
    return fail(
      'auth',
      'The server refuses writes: it is a replica, or set to read-only.',
      'Point DATABASE_URL to the primary, or make the database writable.',
    )
  }
  try {
    for (const statement of rights) await transport.run(statement)
    return ok('auth', 'The user can read and write.')
  } catch (thrown) {
    if (!(thrown instanceof DatabaseError)) throw thrown
    // Without tables there are no rights on them.
    if (thrown.fault === 'database_schema_outdated') return ok('auth', 'The server accepted the user.')
    return fail('auth', `${thrown.message}.`, thrown.fix)
  }
}

/** `reachable`, of the gateway that the functions go by. */
export async function checkGateway(transport: Transport): Promise<Finding> {
  try {
    await transport.run({ text: 'select 1', parameters: [] })
    return ok('reachable', "The functions' gateway (DATABASE_GATEWAY_URL) answers.")
  } catch (thrown) {
    if (!(thrown instanceof DatabaseError)) throw thrown
    return fail(
      'reachable',
      `The functions' gateway (DATABASE_GATEWAY_URL) does not work: ${thrown.message}.`,
      'Run `millrace gateway` beside the database, with the token of DATABASE_GATEWAY_TOKEN, and check DATABASE_GATEWAY_URL.',
    )
  }
}
