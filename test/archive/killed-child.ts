/**
 * Runs a command of the real bin in a process that is killed by SIGKILL a moment after it sent its n-th insert: from
 * outside, so that the statement, its gateway and all are cut off wherever they are, in the middle of a commit too.
 */
import { spawn } from 'node:child_process'
import process from 'node:process'
import { OwnRequests } from '@millrace/gateway/own-requests'

const { KILL_AT_INSERT, KILL_AFTER_MILLISECONDS } = process.env
const killAt = Number(KILL_AT_INSERT)
let inserts = 0

// The real thing, called with its own object below.
// oxlint-disable-next-line typescript/unbound-method
const send = OwnRequests.prototype.fetch

OwnRequests.prototype.fetch = async function watched(input, init) {
  const body = input instanceof Request ? await input.clone().text() : init?.body
  const isInsert = typeof body === 'string' && /"(?:query|sql)":"(?:with [^"]*)?insert into/.test(body)
  if (isInsert && (inserts += 1) === killAt) killSoon()
  return send.call(this, input, init)
}

function killSoon(): void {
  const seconds = Number(KILL_AFTER_MILLISECONDS) / 1000
  spawn('sh', ['-c', `sleep ${seconds}; kill -9 ${process.pid}`], { detached: true, stdio: 'ignore' }).unref()
}

await import('@millrace/cli/main')
