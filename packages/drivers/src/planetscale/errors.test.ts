import { DatabaseError as PlanetScaleError } from '@planetscale/database'
import { expect, test } from 'vitest'
import { readPlanetScaleError } from './errors.ts'

const statement = 'update users set tokens_valid_from = :v1'
const error = (status: number, code: string, message: string) =>
  readPlanetScaleError(new PlanetScaleError(message, status, { code, message }), statement)

test('a message that names a column with a token in it is no refused token', () => {
  const read = error(200, 'UNKNOWN', `target: db.-.primary: vttablet: rpc error: ${statement} (errno 9999)`)
  expect(read).not.toMatchObject({ trouble: 'token_refused' })
  const lost = error(200, 'UNAVAILABLE', `target: db.-.primary: vttablet: connection lost, sql: ${statement}`)
  expect(lost).toMatchObject({ fault: 'database_unreachable', isNotApplied: false })
})

test('a request that was refused for its token is one', () => {
  const words = "The header x-millrace-gateway-token is missing or wrong: give the gateway's token."
  expect(error(401, 'UNAUTHENTICATED', words)).toMatchObject({ trouble: 'token_refused', isNotApplied: true })
  expect(error(401, 'UNAUTHENTICATED', 'Access denied')).toMatchObject({ trouble: 'database_auth_failed' })
})
