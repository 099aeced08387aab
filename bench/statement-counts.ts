import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { newServiceSecrets } from '@millrace/cli/secrets'
import type { Client } from './load.ts'
import { createCountedWorld, countedActs } from './counted-acts.ts'
import { startServe } from './serve-subjects.ts'

/** The first may look at more: at the migrations, say. */
const requests = 2

/**
 * SQL statements of the second request of each act, as a process of the product tells them in its own log at level `debug`:
 * what it sends, without BEGIN and COMMIT.
 * @param url of an empty database
 */
export async function countStatements(url: string, directory: string): Promise<Readonly<Record<string, number>>> {
  const statements = new Map<string, number>()
  const ended = new Set<string>()
  const serve = await startServe({
    url,
    directory,
    variables: { ...newServiceSecrets(), LOG_LEVEL: 'debug' },
    onLog(line) {
      // Its migrations come as words.
      if (!line.startsWith('{')) return
      const { event, requestId, statement = '' } = JSON.parse(line) as LogLine
      if (event === 'trip') statements.set(requestId, (statements.get(requestId) ?? 0) + statement.split(';\n').length)
      if (event === 'request') ended.add(requestId)
    },
  })
  try {
    let requestId: string = randomUUID()
    const world = await createCountedWorld(
      named(serve.client, () => requestId),
      requests,
    )
    const counts: Record<string, number> = {}
    for (const act of countedActs) {
      for (let number = 0; number < requests; number += 1) {
        requestId = randomUUID()
        const { status, body } = await world.send(act, number)
        if (status >= 300) throw new Error(`${act}: a request of the bench was answered ${status}: ${body}`)
      }
      while (!ended.has(requestId)) await delay(5)
      counts[act] = statements.get(requestId) ?? 0
    }
    return counts
  } finally {
    await serve.stop()
  }
}

interface LogLine {
  readonly event: string
  readonly requestId: string
  readonly statement?: string
}

function named(client: Client, requestId: () => string): Client {
  return {
    ...client,
    send: (sent) => client.send({ ...sent, headers: { ...sent.headers, 'X-Request-Id': requestId() } }),
  }
}
