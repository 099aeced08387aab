import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { workspaceRoot } from '../workspace.ts'

const file = join(workspaceRoot, 'packages/api/src/openapi/recorded-responses.json')

/** Written over, since a document that everyone reads is no place for what opens something. */
const secrets: Readonly<Record<string, string>> = {
  accessToken: 'eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0.….…',
  refreshToken: 'OugmOBIX…',
  key: 'mr_Zb4…',
}

/** Keeps an answer as the example of its route, where the tests were asked to record them. */
export function recordExample(name: string, answer: unknown): void {
  if (process.env['RECORD_EXAMPLES'] !== '1' || answer === undefined || name === 'GET /openapi.json') return
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  recorded[name] = JSON.parse(
    JSON.stringify(answer, (member, value: unknown) =>
      typeof value === 'string' ? (secrets[member] ?? value) : value,
    ),
  )
  const sorted = Object.entries(recorded).toSorted(([one], [other]) => (one < other ? -1 : 1))
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`)
}
