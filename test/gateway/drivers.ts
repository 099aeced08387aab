import { createClient, type Client as LibsqlClient } from '@libsql/client/http'
import { neon, neonConfig, type NeonQueryFunction } from '@neondatabase/serverless'
import { Client as PlanetscaleClient } from '@planetscale/database'
import type { Target } from '@millrace/db/url'
import type { Gateway } from '@millrace/gateway'

/** The drivers as they are published, pointed at a gateway as the product points them. */

export type NeonSql = NeonQueryFunction<false, false>

export function neonDriver(gateway: Gateway, target: Target, password?: string): NeonSql {
  if (target.dialect !== 'postgres') throw new Error('not PostgreSQL')
  neonConfig.fetchEndpoint = (_host, port) => `http://127.0.0.1:${port}/sql`
  const url = new URL(`postgresql://127.0.0.1:${gateway.port}/ignored`)
  url.username = encodeURIComponent(target.user)
  url.password = encodeURIComponent(password ?? target.password)
  return neon(url.href)
}

export function planetscaleDriver(gateway: Gateway, target: Target, password?: string): PlanetscaleClient {
  if (target.dialect !== 'mysql') throw new Error('not MySQL')
  const url = new URL(gateway.url)
  url.username = encodeURIComponent(target.user)
  url.password = encodeURIComponent(password ?? target.password)
  return new PlanetscaleClient({ url: url.href })
}

export function libsqlDriver(gateway: Gateway): LibsqlClient {
  return createClient({ url: gateway.url, intMode: 'bigint' })
}
