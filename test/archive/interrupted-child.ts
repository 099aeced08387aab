/**
 * Runs a command of the real bin in a process that gets SIGINT, as by Ctrl-C, when it sends a SQLite file its n-th statement
 * of a kind: `INTERRUPT_AT="insert into 3"`.
 */
import process from 'node:process'
import { SqliteSession } from '@millrace/drivers/native/sqlite-session'

const [, words = '', count = ''] = /^(.*) (\d+)$/.exec(process.env['INTERRUPT_AT'] ?? '') ?? []
const pattern = new RegExp(`^(?:with .*)?${words}`, 's')
let left = Number(count)

// The real thing, called with its own object below.
// oxlint-disable-next-line typescript/unbound-method
const { run } = SqliteSession.prototype

SqliteSession.prototype.run = function watched(statement) {
  if (pattern.test(statement.text) && (left -= 1) === 0) process.kill(process.pid, 'SIGINT')
  return run.call(this, statement)
}

await import('@millrace/cli/main')
