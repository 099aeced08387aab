import { expect, test } from 'vitest'
import { readableLine } from './log-lines.ts'

const at = new Date(2026, 10, 24, 9, 5, 7)
const request = {
  level: 'info',
  event: 'request',
  requestId: 'r-1',
  method: 'GET',
  route: '/v1/workflows/{id}',
  status: 200,
  milliseconds: 4,
  databaseMilliseconds: 3,
  trips: 1,
}
const words = (entry: object) => readableLine(JSON.stringify(entry), at)

test('a request is one line: method, route, status, time and round trips', () => {
  expect(words(request)).toBe('09:05:07 GET    /v1/workflows/{id}  200  4 ms, 1 round trip of 3 ms')
  expect(words({ ...request, status: 404, code: 'not_found', trips: 0 })).toBe(
    '09:05:07 GET    /v1/workflows/{id}  404 not_found  4 ms, 0 round trips',
  )
})

test('one that failed has its id, its cause and its fix below it', () => {
  const failed = { ...request, level: 'error', status: 503, code: 'database_unreachable', trips: 4 }
  expect(words({ ...failed, cause: 'connection refused\nat line 2', cure: 'Start it.' })).toBe(
    [
      '09:05:07 GET    /v1/workflows/{id}  503 database_unreachable  4 ms, 4 round trips of 3 ms  (request r-1)',
      '         cause: connection refused',
      '         at line 2',
      '         fix: Start it.',
    ].join('\n'),
  )
})

test('SQL stands with the types of its parameters, a slow query with its request', () => {
  const trip = { level: 'debug', event: 'trip', requestId: 'r-1', milliseconds: 2, statement: 'select ?, ?' }
  expect(words({ ...trip, parameters: ['text', 'null'] })).toBe('09:05:07   sql 2 ms  select ?, ?  [text, null]')
  expect(words({ ...trip, statement: 'select 1;\nselect 2' })).toBe('09:05:07   sql 2 ms  select 1;\n         select 2')
  expect(words({ ...trip, level: 'warn', event: 'slow_query', milliseconds: 300 })).toBe(
    '09:05:07 SLOW QUERY 300 ms  (request r-1)\n         select ?, ?',
  )
})

test('the gateway’s entries are their message, others their name and members', () => {
  expect(words({ level: 'warn', event: 'connection_lost', message: 'PostgreSQL ended a connection.' })).toBe(
    '09:05:07 warn: PostgreSQL ended a connection.',
  )
  expect(words({ level: 'info', event: 'swept', what: 'sessions', count: 3 })).toBe(
    '09:05:07 info: swept, what sessions, count 3',
  )
})

test('what is no entry stays as it is, and wrangler’s line of a request goes', () => {
  expect(readableLine('⎔ Starting local server...', at)).toBe('⎔ Starting local server...')
  expect(readableLine('{"level":broken', at)).toBe('{"level":broken')
  expect(readableLine('[wrangler:info] GET /v1/workflows 200 OK (5ms)', at)).toBeUndefined()
})
