import { targetOf } from './target.ts'
import type { TestDatabase } from './dialects.ts'

/** Where the database's server listens. */
export function serverOf({ url }: TestDatabase): {
  readonly host: string
  readonly port: number
  readonly url: string
} {
  const target = targetOf(url)
  if (target.via !== 'gateway') throw new Error('Hyperdrive reaches servers alone')
  const { host, port } = target
  return { host, port, url: `tcp://${host}:${port}` }
}

/**
 * As wrangler has it from its configuration for local work.
 * @param port in place of the server's own: of a proxy before it
 */
export function connectionStringOf(database: Pick<TestDatabase, 'url'>, port?: number): string {
  const url = new URL(database.url.replace(/^(\w+)\+\w+:/, '$1:'))
  if (port !== undefined) url.port = String(port)
  return url.href
}
