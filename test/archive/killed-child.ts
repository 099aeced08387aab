/**
 * Runs a command of the real bin in a process that is killed by SIGKILL a moment after it sent its n-th insert: from
 * outside, so that the statement, its gateway and all are cut off wherever they are, in the middle of a commit too.
 */
import { spawn } from 'node:child_process'
import process from 'node:process'
import { MysqlSession } from '@millrace/drivers/native/mysql-session'
import { PostgresConnection } from '@millrace/drivers/native/postgres-connection'
import { SqliteSession } from '@millrace/drivers/native/sqlite-session'

const { KILL_AT_INSERT, KILL_AFTER_MILLISECONDS } = process.env
const killAt = Number(KILL_AT_INSERT)
let inserts = 0

/** Called with each statement's text before it is sent. */
function watch(text: string): void {
  if (/^(?:(?:with .*)?insert into|copy )/s.test(text) && (inserts += 1) === killAt) killSoon()
}

// The real things, each called with its own object below.
/* oxlint-disable typescript/unbound-method */
const { run: runSqlite } = SqliteSession.prototype
const { run: runMysql } = MysqlSession.prototype
const { query: queryPostgres, copyIn: copyIntoPostgres, copyEncodedIn } = PostgresConnection.prototype
/* oxlint-enable typescript/unbound-method */

SqliteSession.prototype.run = function watched(statement) {
  watch(statement.text)
  return runSqlite.call(this, statement)
}

MysqlSession.prototype.run = function watched(statement) {
  watch(statement.text)
  return runMysql.call(this, statement)
}

PostgresConnection.prototype.query = function watched(text, ...others) {
  watch(text)
  return queryPostgres.call(this, text, ...others)
}

PostgresConnection.prototype.copyIn = function watched(statement, text) {
  watch(statement)
  return copyIntoPostgres.call(this, statement, text)
}

PostgresConnection.prototype.copyEncodedIn = function watched(text, rows) {
  watch(text)
  return copyEncodedIn.call(this, text, rows)
}

function killSoon(): void {
  const seconds = Number(KILL_AFTER_MILLISECONDS) / 1000
  spawn('sh', ['-c', `sleep ${seconds}; kill -9 ${process.pid}`], { detached: true, stdio: 'ignore' }).unref()
}

await import('@millrace/cli/main')
