import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from './load.ts'
import { serveActs, type ServeAct } from './serve-acts.ts'
import { startServe, type ServeStage } from './serve-subjects.ts'

/**
 * SQL statements of one request of each act, as a warm process of the product's own log at level `debug` tells them: what
 * it sends, without BEGIN and COMMIT.
 */
export async function statementsOfActs(
  { world, url, secrets }: ServeStage,
  directory: string,
): Promise<Readonly<Record<ServeAct, number>>> {
  const statements = new Map<string, number>()
  const ended = new Set<string>()
  const serve = await startServe({
    url,
    directory,
    variables: { ...secrets, LOG_LEVEL: 'debug' },
    onLog(line) {
      const { event, requestId, statement = '' } = JSON.parse(line) as LogLine
      if (event === 'trip') statements.set(requestId, (statements.get(requestId) ?? 0) + statement.split(';\n').length)
      if (event === 'request') ended.add(requestId)
    },
  })
  const counts: Record<ServeAct, number> = { read: 0, list: 0, history: 0, create: 0, update: 0 }
  try {
    // The first one looks at the migrations.
    await world.turn('read', serve.client, 0)
    for (const act of serveActs) {
      const requestId = `check-${act}`
      const { status, body } = await world.turn(act, named(serve.client, requestId), 0)
      if (status >= 300) throw new Error(`a request of the bench was answered ${status}: ${body}`)
      while (!ended.has(requestId)) await delay(5)
      counts[act] = statements.get(requestId) ?? 0
    }
  } finally {
    await serve.stop()
  }
  return counts
}

interface LogLine {
  readonly event: string
  readonly requestId: string
  readonly statement?: string
}

function named(client: Client, requestId: string): Client {
  return {
    ...client,
    send: (sent) => client.send({ ...sent, headers: { ...sent.headers, 'X-Request-Id': requestId } }),
  }
}
