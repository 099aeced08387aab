/**
 * Runs a command of the real bin in a process that gets SIGINT, as by Ctrl-C, when it sends its n-th statement of a kind:
 * `INTERRUPT_AT="insert into 3"`.
 */
import process from 'node:process'
import { OwnRequests } from '@millrace/gateway/own-requests'

const [, words = '', count = ''] = /^(.*) (\d+)$/.exec(process.env['INTERRUPT_AT'] ?? '') ?? []
const pattern = new RegExp(`"(?:query|sql)":"(?:with [^"]*)?${words}`)
let left = Number(count)

// The real thing, called with its own object below.
// oxlint-disable-next-line typescript/unbound-method
const send = OwnRequests.prototype.fetch

OwnRequests.prototype.fetch = async function watched(input, init) {
  const body = input instanceof Request ? await input.clone().text() : init?.body
  const isMeant = typeof body === 'string' && pattern.test(body)
  if (isMeant && (left -= 1) === 0) process.kill(process.pid, 'SIGINT')
  return send.call(this, input, init)
}

await import('@millrace/cli/main')
