import type { Target } from '../url/index.ts'
import type { ServerFacts } from './connection.ts'
import { fail, ok, warn, type Finding } from './finding.ts'

/** What one gateway may take of the server's connections: beside it stand another during a deployment, migrations, people. */
const largestShare = 0.8

/** `pool.size`: what the gateway may open, compared with what the server lets it. */
export function checkPool({ via, options }: Target, { limits }: ServerFacts): Finding {
  const id = 'pool.size'
  if (via === 'file')
    return ok(id, 'A SQLite file has one writer at a time, for any pool size; readers have their own connections.')
  if (via !== 'gateway') return ok(id, 'The platform pools the connections.')
  const { poolSize, maxOverflow } = options
  const least = limits.toSorted((one, other) => one.connections - other.connections)[0]
  const server = least === undefined ? 'a limit that is not known' : `${least.connections} (${least.name})`
  const most = poolSize + maxOverflow
  const words = `The pool opens up to ${most} connections (pool_size ${poolSize} + max_overflow ${maxOverflow}); the server allows ${server}`
  const fix = 'Lower pool_size and max_overflow in DATABASE_URL, or raise the limit on the server.'
  if (least === undefined) return ok(id, `${words}.`)
  if (most > least.connections) return fail(id, `${words}, which is less.`, fix)
  if (most > least.connections * largestShare) {
    return warn(id, `${words}: nothing is left for a second gateway, a migration or a person.`, fix)
  }
  return ok(id, `${words}.`)
}
