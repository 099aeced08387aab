import type { Snapshot } from '@millrace/db/sql/snapshot'
import { plain } from '@millrace/db/dialects/plain'

/**
 * Keeps a server from taking a snapshot for abandoned while whoever reads it is busy with the rows: a statement is sent
 * when none was for `quietMilliseconds`. One that fails is not the end: the next read tells what is wrong.
 */
export function keptAlive(quietMilliseconds: number, snapshot: Snapshot): Snapshot {
  let turn: Promise<unknown> = Promise.resolve()
  let lastUsedAt = Date.now()
  let isBusy = false

  /** One statement at a time: a session and a stream take no two at once. */
  const run: Snapshot['run'] = (statement) => {
    const result = turn.then(async () => {
      isBusy = true
      try {
        return await snapshot.run(statement)
      } finally {
        isBusy = false
        lastUsedAt = Date.now()
      }
    })
    turn = result.catch(() => undefined)
    return result
  }

  const timer = setInterval(() => {
    if (isBusy || Date.now() - lastUsedAt < quietMilliseconds) return
    run(plain('select 1')).catch(() => undefined)
  }, quietMilliseconds / 2)

  return {
    dialect: snapshot.dialect,
    run,
    async close() {
      clearInterval(timer)
      await turn
      await snapshot.close()
    },
  }
}
