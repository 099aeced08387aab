import { errorKind, type ErrorCode } from '@millrace/api/errors'
import { factsOf, type Trouble } from '@millrace/db/sql/troubles'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { troublePages } from '../../scripts/trouble-pages.ts'
import { asRecord } from '../contract/answers.ts'
import { describeDialectsByTest, testWhere } from '../dialects.ts'
import { diskTroubles, migrateWithoutJson, provocations } from './provocations.ts'
import { canMountDisks } from './small-disk.ts'
import { setStage, type Stage } from './stage.ts'

/** What is never told to a caller: of the server, the database, its user, the SQL, this machine. */
const inside =
  /127\.0\.0\.1|no-such-host|millrace_|'millrace'|ECONN|errno|SQLSTATE|SQLITE|select |insert |\/tmp\/|\/dev\/shm\/|pool_/

/** Provoked elsewhere, each against servers that can have it. */
const elsewhere: ReadonlySet<Trouble> = new Set(['certificate_untrusted', 'json_unsupported'])

/** As MySQL itself and newer MariaDB say it. */
const wordsOfOthers: Readonly<Partial<Record<Trouble, RegExp>>> = {
  tls_required: /^MySQL error 3159: Connections using insecure transport are prohibited/,
  statement_timeout: /^MySQL error 3024: Query execution was interrupted/,
  read_only: /^MySQL error 1290: The MySQL server is running with the --read-only option/,
}

describeDialectsByTest((dialect) => {
  let stage: Stage
  beforeAll(async () => {
    stage = await setStage(dialect)
  })
  afterAll(async () => {
    await stage.stop()
  })

  const pages = troublePages.flatMap(({ trouble, seen }) => {
    const here = seen[dialect]
    return 'words' in here && !elsewhere.has(trouble) ? [{ trouble, words: here.words }] : []
  })

  test.for(pages)('$trouble', async ({ trouble, words }, context) => {
    const provoke = provocations[dialect][trouble]
    if (provoke === undefined) throw new Error('docs/troubleshooting.md says what nobody has seen')
    if (diskTroubles[dialect].has(trouble) && !canMountDisks()) context.skip('no disk can be mounted here')
    const told = await provoke(stage)
    const ofOthers = dialect === 'mysql' ? wordsOfOthers[trouble] : undefined
    const isAnother = ofOthers?.test(String(told.line['cause'])) === true
    // MariaDB 10.11 does not tell the two apart.
    const isLikeWrongPassword = trouble === 'tls_required' && dialect === 'mysql' && !isAnother
    const { fault, fix, retryAfterSeconds } = factsOf(isLikeWrongPassword ? 'database_auth_failed' : trouble)
    expect(told.line).toMatchObject({ level: 'error', status: 503, code: fault, cure: fix })
    expect(told.line['cause']).toMatch(isAnother ? ofOthers : patternOf(words))
    expect(told.status).toBe(503)
    expect(asRecord(told.json)).toMatchObject({ code: fault, detail: errorKind(codeOf(fault)).detail })
    expect(told.headers.get('Retry-After')).toBe(retryAfterSeconds === undefined ? null : String(retryAfterSeconds))
    expect(told.text).not.toMatch(inside)
  })

  testWhere(dialect !== 'sqlite', 'a server without JSON is told of by migrate', async () => {
    const thrown = await migrateWithoutJson(stage)
    const page = troublePages.find(({ trouble }) => trouble === 'json_unsupported')
    const seen = page?.seen[dialect]
    expect(thrown).toMatchObject({ trouble: 'json_unsupported', fault: 'database_schema_outdated' })
    expect(thrown).toHaveProperty(
      'message',
      expect.stringMatching(patternOf(seen !== undefined && 'words' in seen ? seen.words : '')),
    )
  })
})

/** `…` stands for anything. */
function patternOf(words: string): RegExp {
  const parts = words.split('…').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
  return new RegExp(`^${parts.join('.*')}$`)
}

function codeOf(fault: string): ErrorCode {
  if (!fault.startsWith('database_')) throw new Error(`${fault} is no code of the API's`)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each fault of that name is a code
  return fault as ErrorCode
}
