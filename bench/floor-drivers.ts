import { createClient } from '@libsql/client/http'
import { neon, neonConfig } from '@neondatabase/serverless'
import { Client } from '@planetscale/database'
import type { Argument, FloorVars } from './floor-contract.ts'

/** Sends statements as one transaction, a single one by itself, and gives the last one's rows. */
export type Send = (
  statements: readonly { readonly sql: string; readonly args: Argument[] }[],
) => Promise<readonly (readonly unknown[])[]>

/** The three drivers, each as its own documentation has it. */
export function connect(vars: FloorVars): Send {
  switch (vars.DIALECT) {
    case 'sqlite':
      return connectLibsql(vars)
    case 'postgres':
      return connectNeon(vars)
    case 'mysql':
      return connectPlanetscale(vars)
  }
}

function connectLibsql({ GATEWAY }: FloorVars): Send {
  const client = createClient({ url: GATEWAY, intMode: 'bigint' })
  return async (statements) => {
    // The client sends numbers as floats.
    const sent = statements.map(({ sql, args }) => ({
      sql,
      args: args.map((arg) => (typeof arg === 'number' ? BigInt(arg) : arg)),
    }))
    const [only, ...more] = sent
    if (only === undefined) return []
    const result = more.length === 0 ? await client.execute(only) : (await client.batch(sent, 'write')).at(-1)
    return (result?.rows ?? []).map((row) => Array.from(row))
  }
}

const texts = { arrayMode: true, fullResults: true, types: { getTypeParser: () => (value: string) => value } } as const

function connectNeon({ GATEWAY, DATABASE_USER, DATABASE_PASSWORD }: FloorVars): Send {
  neonConfig.fetchEndpoint = () => `${GATEWAY}/sql`
  const user = `${encodeURIComponent(DATABASE_USER)}:${encodeURIComponent(DATABASE_PASSWORD)}`
  const client = neon(`postgresql://${user}@${new URL(GATEWAY).host}/floor`, texts)
  return async (statements) => {
    const [only, ...more] = statements.map(({ sql, args }) => client.query(sql, args, texts))
    if (only === undefined) return []
    if (more.length === 0) return (await only).rows
    return (await client.transaction([only, ...more], { isolationLevel: 'ReadCommitted' })).at(-1)?.rows ?? []
  }
}

function connectPlanetscale({ GATEWAY, DATABASE_USER, DATABASE_PASSWORD }: FloorVars): Send {
  const authorization = `Basic ${btoa(`${DATABASE_USER}:${DATABASE_PASSWORD}`)}`
  const headers = { 'Content-Type': 'application/json', Authorization: authorization }
  const send = (url: string, init?: { body?: string }) =>
    fetch(url, { method: 'POST', headers, body: init?.body ?? null })
  return async (statements) => {
    const session = new Client({ url: GATEWAY, fetch: send }).connection()
    const isMany = statements.length > 1
    let rows: readonly (readonly unknown[])[] = []
    if (isMany) await session.execute('begin')
    for (const { sql, args } of statements) {
      rows = (await session.execute<'array'>(sql, args, { as: 'array' })).rows.map((row) => Object.values(row))
    }
    if (isMany) await session.execute('commit')
    return rows
  }
}
