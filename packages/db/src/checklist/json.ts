import type { InspectionDialect } from './inspection.ts'
import type { Transport } from '../sql/transport.ts'
import type { ServerFacts } from './connection.ts'
import { DatabaseError } from '../sql/errors.ts'
import { fail, ok, type Finding } from './finding.ts'
import { readTexts } from './subject.ts'

const fix = 'Use a newer database server: PostgreSQL 15, MySQL 8.0.16, MariaDB 10.6, SQLite 3.43, or later.'

/** `json.support`: asks the server to do what the schema's checks and the statements have it do. */
export async function checkJson(
  transport: Transport,
  { json }: InspectionDialect,
  { product }: ServerFacts,
): Promise<Finding> {
  try {
    const [[answer] = []] = await readTexts(transport, json)
    if (answer === '1') return ok('json.support', `${product} checks and makes JSON.`)
    return fail('json.support', `${product} treats JSON otherwise than is needed.`, fix)
  } catch (thrown) {
    // What it doesn't know is an error of the statement; anything else says nothing about JSON.
    if (!(thrown instanceof DatabaseError) || !isUnknown(thrown)) throw thrown
    return fail('json.support', `${product} lacks what is needed of JSON: ${thrown.message}.`, fix)
  }
}

function isUnknown({ trouble }: DatabaseError): boolean {
  return trouble === 'json_unsupported' || trouble === 'internal'
}
