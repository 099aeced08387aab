import { MysqlConnection } from '@millrace/drivers/native/mysql-connection'
import { PostgresConnection, type PostgresResult } from '@millrace/drivers/native/postgres-connection'
import { currentActor, type Actor } from './actor.ts'

/**
 * Puts the explorer between the gateway and its servers: the connections of this process stop before each statement of
 * an actor, and say which of the server's sessions runs it. The product knows nothing of it.
 * @returns What takes the hooks away again.
 */
export function hookConnections(): () => void {
  const unhooks = [hookPostgres(), hookMysql()]
  return () => {
    for (const unhook of unhooks) unhook()
  }
}

type PostgresQuery = PostgresConnection['query']

interface Pipeline {
  readonly last: Promise<unknown>
  hasFailed: boolean
}

/**
 * The gateway sends a batch at once; the server takes its statements one by one. Here each waits until the one before it
 * has answered, and then for its turn. BEGIN takes no snapshot and no lock, so it is no step of its own; neither is what
 * the server refuses since a statement before it failed.
 */
function hookPostgres(): () => void {
  const { prototype } = PostgresConnection
  const original = Object.getOwnPropertyDescriptor(prototype, 'query')?.value as PostgresQuery
  const pipelines = new WeakMap<PostgresConnection, Pipeline>()

  prototype.query = function query(this: PostgresConnection, text, params) {
    const actor = currentActor()
    const send = () => original.call(this, text, params)
    if (actor === undefined) return send()
    const isBegin = /^begin\b/i.test(text)
    const isEnd = isBegin || /^commit\b/i.test(text)
    const before = isBegin ? undefined : pipelines.get(this)
    const pipeline = { last: Promise.resolve(), hasFailed: false }
    const result = (before?.last ?? Promise.resolve()).then(async (): Promise<PostgresResult> => {
      pipeline.hasFailed = before?.hasFailed ?? false
      try {
        return await stepped(actor, { isStep: !isBegin && !pipeline.hasFailed, text, backend: this.processId }, send)
      } catch (error) {
        pipeline.hasFailed = true
        throw error
      } finally {
        // What comes behind it on this connection is no part of that transaction.
        if (isEnd) pipeline.hasFailed = false
      }
    })
    pipelines.set(this, Object.assign(pipeline, { last: result.catch(() => undefined) }))
    return result
  }
  return () => {
    prototype.query = original
  }
}

interface Statement {
  readonly isStep: boolean
  readonly text: string
  readonly backend: number | null
}

function stepped<Result>(actor: Actor, statement: Statement, send: () => Promise<Result>): Promise<Result> {
  const run = () => actor.on(statement.backend, send)
  return actor.grain === 'statement' && statement.isStep ? actor.step(labelOf(statement.text), run) : run()
}

/** PlanetScale's protocol takes one statement a trip, so the trips are the steps, and this only tells who runs them. */
function hookMysql(): () => void {
  const { prototype } = MysqlConnection
  const original = Object.getOwnPropertyDescriptor(prototype, 'query')?.value as MysqlConnection['query']
  prototype.query = function query(this: MysqlConnection, sql) {
    const actor = currentActor()
    const send = () => original.call(this, sql)
    return actor === undefined ? send() : actor.on(this.threadId, send)
  }
  return () => {
    prototype.query = original
  }
}

const labelCharacters = 110

/** What a statement does, short enough for a line. */
export function labelOf(sql: string): string {
  const plain = sql.replaceAll(/\s+/g, ' ').replaceAll(/["`]/g, '').trim()
  return plain.length <= labelCharacters ? plain : `${plain.slice(0, labelCharacters)}…`
}
