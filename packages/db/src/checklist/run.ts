import { DatabaseError } from '../sql/errors.ts'
import type { InspectionDialect } from './inspection.ts'
import type { Transport } from '../sql/transport.ts'
import { checkBackups } from './backups.ts'
import { checkIds, isForProductionAlone, type CheckId } from './checks.ts'
import { checkClock } from './clock.ts'
import { checkConnection, type ServerFacts } from './connection.ts'
import { allNotChecked, notChecked, type Finding } from './finding.ts'
import { inspectionOf } from '../dialects/tools.ts'
import { checkJit } from './jit.ts'
import { checkJson } from './json.ts'
import { checkKeptExecutions } from './kept.ts'
import { checkPool } from './pool.ts'
import { checkReplica } from './replica.ts'
import { checkRestore } from './restore.ts'
import { checkSchema } from './schema.ts'
import { checkStaleRows } from './stale.ts'
import type { Subject } from './subject.ts'
import { checkCharset, checkCollation } from './text.ts'
import { checkTls } from './tls.ts'

/**
 * What the database says to the production checklist. Runs to its end whatever fails on the way: what could not be asked
 * is told as not checked. Changes nothing, and works on a database that is empty or under a restore.
 */
export async function checkDatabase(subject: Subject): Promise<readonly Finding[]> {
  const transport = subject.database.transport(subject.observer)
  const inspection = inspectionOf(transport)
  const { findings, facts } = await checkConnection(transport, inspection, subject.clock)
  if (facts === undefined) return findings
  const found = [...findings, checkPool(subject.target, facts), checkClock(facts)]
  for (const { ids, run } of checks)
    found.push(...(await orNotChecked(ids, () => run({ subject, transport, inspection, facts }))))
  return found
}

interface Asked {
  readonly subject: Subject
  readonly transport: Transport
  readonly inspection: InspectionDialect
  readonly facts: ServerFacts
}

interface Check {
  readonly ids: readonly CheckId[]
  readonly run: (asked: Asked) => Promise<readonly Finding[]>
}

const checks: readonly Check[] = [
  {
    ids: ['tls'],
    run: async ({ subject, transport, inspection }) => [await checkTls(subject.target, transport, inspection)],
  },
  {
    ids: [
      'charset',
      'collation',
      'schema.migrations',
      'schema.table',
      'schema.column',
      'schema.index',
      'schema.foreign_key',
    ],
    async run({ subject, transport, inspection, facts }) {
      const { findings, drift } = await checkSchema(transport, await subject.readMigrations(transport))
      const charset = checkCharset(facts, inspection, drift)
      return [...charset, ...(await checkCollation(transport, inspection, drift)), ...findings]
    },
  },
  {
    ids: ['json.support'],
    run: async ({ transport, inspection, facts }) => [await checkJson(transport, inspection, facts)],
  },
  {
    ids: ['replica'],
    async run({ subject: { replica, clock, observer }, transport }) {
      return replica === undefined ? [] : [await checkReplica(transport, replica.transport(observer), clock)]
    },
  },
  {
    ids: ['backup.configured', 'backup.age', 'backup.encrypted', 'backup.drilled'],
    run: ({ subject, transport }) => checkBackups(transport, subject.clock()),
  },
  { ids: ['restore.unfinished'], run: async ({ transport }) => [await checkRestore(transport)] },
  { ids: ['rows.stale'], run: async ({ subject, transport }) => [await checkStaleRows(transport, subject.clock())] },
  {
    ids: ['executions.kept'],
    run: async ({ subject, transport }) => [await checkKeptExecutions(transport, subject.sweepsEnded === true)],
  },
  { ids: ['jit'], run: async ({ transport, inspection }) => [await checkJit(transport, inspection)] },
]

async function orNotChecked(
  ids: readonly CheckId[],
  run: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await run()
  } catch (thrown) {
    if (!(thrown instanceof DatabaseError)) throw thrown
    return allNotChecked(ids, `${thrown.message}.`, thrown.fix)
  }
}

/**
 * The checklist in its order, each id at least once: what nobody has looked at is told as not checked.
 * @param isDevelopment lowers what only production needs
 */
export function arranged(
  findings: readonly Finding[],
  { isDevelopment, reason, fix }: { readonly isDevelopment: boolean; readonly reason: string; readonly fix: string },
): readonly Finding[] {
  return checkIds.flatMap((id) => {
    const found = findings.filter((finding) => finding.id === id)
    const all = found.length > 0 ? found : [notChecked(id, reason, fix)]
    return isDevelopment && isForProductionAlone(id) ? all.map(lowered) : all
  })
}

function lowered(finding: Finding): Finding {
  return finding.level === 'fail' ? { ...finding, level: 'warn' } : finding
}
