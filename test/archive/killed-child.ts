/**
 * Runs a command of the real bin in a process that kills itself by SIGKILL when it sends its n-th insert, a moment after
 * it was sent: so the statement, its gateway and all are cut off in the middle.
 */
import process from 'node:process'

const { KILL_AT_INSERT, KILL_AFTER_MILLISECONDS } = process.env
const killAt = Number(KILL_AT_INSERT)
const send = globalThis.fetch
let inserts = 0

globalThis.fetch = async (input, init) => {
  const body = input instanceof Request ? await input.clone().text() : init?.body
  const isInsert = typeof body === 'string' && /"(?:query|sql)":"(?:with [^"]*)?insert into/.test(body)
  if (isInsert && (inserts += 1) === killAt) {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(KILL_AFTER_MILLISECONDS))
  }
  return send(input, init)
}

await import('@millrace/cli/main')
