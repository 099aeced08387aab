import type { DialectName } from '../dialects.ts'

export type Trips = Readonly<Record<DialectName, number>>

/**
 * What the contract suites hold each route to, as the table of docs/performance.md shows it
 * (test/docs/round-trips.test.ts compares them). A write is one round trip on PostgreSQL and SQLite; on MySQL one for each
 * statement and two for the transaction.
 */
export const documentedTrips = {
  'create a workflow, or up to 100 in one batch': trips(1, 5),
  'the same with a key': trips(1, 6),
  'change a workflow': trips(1, 5),
  'change its definition': trips(1, 6),
  'restore a version': trips(2, 6),
  'restore a version with a key': trips(2, 7),
  'transfer a workflow': trips(1, 7),
  'delete a workflow': trips(1, 9),
  'share a workflow': trips(1, 6),
  'share a workflow with a key': trips(2, 7),
  'remove a share, end a session, delete an API key': trips(1, 4),
  'create an API key': trips(1, 4),
  'create an API key with a key': trips(1, 5),
  'start or retry an execution': trips(1, 6),
  'start or retry an execution with a key': trips(2, 7),
  'claim executions': trips(1, 5),
  'claim executions with a key': trips(1, 6),
  'send a heartbeat, record steps': trips(1, 1),
  'record steps and renew the lease': { sqlite: 2, postgres: 1, mysql: 2 },
  'report a status': trips(1, 5),
  'report only the state': trips(1, 4),
  'cancel, resume or signal an execution': trips(1, 6),
  'signal an execution with a key': trips(1, 7),
  'delete an execution': trips(1, 6),
  'create a schedule with a key': trips(1, 6),
  'change or delete a schedule': trips(2, 5),
  'replace the settings': trips(1, 5),
  'merge into the settings': trips(2, 5),
  'reveal a secret': trips(2, 2),
  register: trips(2, 9),
  'log in': trips(2, 9),
  'refresh the tokens': trips(2, 5),
  'log out': trips(1, 5),
  'change the password': trips(2, 11),
  'reset the password': trips(2, 13),
  'delete the account': trips(2, 19),
  'change a user, as an administrator': trips(1, 5),
  'request a backup while one is running': trips(1, 4),
  '`GET /v1/admin/status`, which compares the whole schema': { sqlite: 14, postgres: 19, mysql: 18 },
} as const satisfies Readonly<Record<string, Trips>>

function trips(batched: number, single: number): Trips {
  return { sqlite: batched, postgres: batched, mysql: single }
}
