import type { DialectName } from '../test/dialects.ts'
import { generatedRows, type GeneratedRows } from '../test/generated-rows.ts'

export interface FillOwner {
  readonly userId: string
  readonly workflowIds: readonly string[]
}

/** What the rows belong to. */
export interface FillOwners {
  readonly ended: FillOwner
  readonly live: FillOwner
}

export interface FillCounts {
  readonly ended: number
  readonly queued: number
}

/** Entries of an ended execution: created, claimed, a step, completed. */
const entriesOfEach = 4
/** One live execution stands between so many ended ones, in the order of their ids. */
const endedPerLive = 250
/** Rows of one statement: no transaction gets so large that it has to be spilled. */
const executionsAtOnce = 50_000
const endedDaysAgo = 60

export function liveCount(ended: number): number {
  return Math.ceil(ended / endedPerLive)
}

export function liveId(number: number): string {
  return idOf(number * endedPerLive, 'f')
}

/** Version 7 as to their order: those of the service itself come after them. */
function idOf(number: number, kind: string): string {
  return `01800000-0000-7000-8${kind}00-${number.toString(16).padStart(12, '0')}`
}

/**
 * Statements that fill a database with executions that ended 60 to 48 days ago, a second apart and not in the order of their
 * ids, each with its history; with live ones between them, under a lease; with a queue of pending ones; and with one audit
 * event for every ten that ended.
 */
export function* fillStatements(dialect: DialectName, owners: FillOwners, counts: FillCounts): Generator<string> {
  const words = wordsOf[dialect]
  const began = Date.now() - endedDaysAgo * 86_400_000
  for (let from = 1; from <= counts.ended; from += executionsAtOnce) {
    const to = Math.min(counts.ended, from + executionsAtOnce - 1)
    yield executions(words, owners.ended, { from, to, id: words.id('i', 'e'), ...ended(words, began) })
    yield history(words, { from, to, began })
    yield audit(words, owners.ended, { from: Math.ceil(from / 10), to: Math.floor(to / 10), began })
  }
  const live = liveCount(counts.ended)
  const lease = words.literal(Date.now() + 86_400_000)
  const startedAt = words.literal(began)
  yield executions(words, owners.live, {
    ...{ from: 1, to: live, id: words.id(`(i * ${endedPerLive})`, 'f'), at: startedAt, until: startedAt },
    columns: `'running', ${startedAt}, null, 1, 1, 'bench', ${lease}, 2`,
  })
  yield `insert into execution_history (execution_id, seq, type, at, fence) select ${words.id(`(i * ${endedPerLive})`, 'f')}, n, case n when 1 then 'created' else 'claimed' end, ${startedAt}, 1 from ${words.numbers(1, live)} cross join (select 1 as n union all select 2) entries`
  const now = words.literal(Date.now())
  for (let from = 1; from <= counts.queued; from += executionsAtOnce) {
    const to = Math.min(counts.queued, from + executionsAtOnce - 1)
    yield executions(words, owners.live, {
      ...{ from, to, id: words.id('i', 'd'), at: now, until: now },
      columns: `'pending', null, null, 0, 0, null, null, 1`,
    })
    yield `insert into execution_history (execution_id, seq, type, at) select ${words.id('i', 'd')}, 1, 'created', ${now} from ${words.numbers(from, to)}`
  }
  yield generatedRows[dialect].analyze(tables)
}

interface Filled {
  readonly from: number
  readonly to: number
  readonly id: string
  /** When it was created and changed. */
  readonly at: string
  readonly until: string
  /** status, started_at, completed_at, attempts, fence, lease_owner, lease_until, last_seq */
  readonly columns: string
}

function executions(words: Words, owner: FillOwner, { from, to, id, at, until, columns }: Filled): string {
  return `insert into executions (id, workflow_id, user_id, version_number, max_attempts, created_at, updated_at, input, state, status, started_at, completed_at, attempts, fence, lease_owner, lease_until, last_seq) select ${id}, ${workflowOf(owner)}, '${owner.userId}', 1, 3, ${at}, ${until}, '${input}', '${input}', ${columns} from ${words.numbers(from, to)}`
}

const input = JSON.stringify({ order: 4711, customer: 'customer 12', items: ['tea', 'cup', 'spoon'] })
const output = JSON.stringify({ receipt: 'r-4711', amount: 9.5, charged: true, at: '2026-03-01T12:00:00.000Z' })

/** Shuffled by up to ten minutes: what is oldest is not what has the lowest id. */
function ended(words: Words, began: number): Pick<Filled, 'at' | 'until' | 'columns'> {
  const at = words.moment(began, 'i')
  const until = words.moment(began, '(i + (i * 7919) % 600)')
  return { at, until, columns: `'completed', ${at}, ${until}, 1, 1, null, null, ${entriesOfEach}` }
}

/** The value of each entry of an execution, by its number. */
function ofEach(values: readonly string[]): string {
  return `case n ${values.map((value, at) => `when ${at + 1} then ${value}`).join(' ')} end`
}

function history(words: Words, { from, to, began }: { from: number; to: number; began: number }): string {
  const type = ofEach(["'created'", "'claimed'", "'step'", "'completed'"])
  const key = ofEach(['null', 'null', "'charge'", 'null'])
  const document = ofEach(['null', 'null', `'${output}'`, 'null'])
  const numbers = Array.from({ length: entriesOfEach }, (_, at) => `select ${at + 1}${at === 0 ? ' as n' : ''}`)
  const source = `${words.numbers(from, to)} cross join (${numbers.join(' union all ')}) entries`
  return `insert into execution_history (execution_id, seq, type, at, fence, ${words.key}, output) select ${words.id('i', 'e')}, n, ${type}, ${words.moment(began, 'i')}, 1, ${key}, ${words.document(document)} from ${source}`
}

/** As old as the executions are; what AUDIT_KEEP keeps is 400 days. */
function audit(
  words: Words,
  owner: FillOwner,
  { from, to, began }: { from: number; to: number; began: number },
): string {
  const at = words.moment(began - 400 * 86_400_000, '(i * 10)')
  return `insert into audit (id, at, type, actor_kind, actor_user_id, subject_type, subject_id, workflow_id, owner_id, data) select ${words.id('i', 'a')}, ${at}, 'execution.started', 'user', '${owner.userId}', 'execution', ${words.id('i', 'e')}, ${workflowOf(owner)}, '${owner.userId}', '{}' from ${words.numbers(from, to)}`
}

function workflowOf({ workflowIds }: FillOwner): string {
  const cases = workflowIds.map((id, at) => `when ${at} then '${id}'`)
  return `case i % ${workflowIds.length} ${cases.join(' ')} end`
}

interface Words extends Pick<GeneratedRows, 'numbers' | 'literal' | 'moment'> {
  readonly id: (number: string, kind: string) => string
  readonly document: (value: string) => string
  readonly key: string
}

const tables = ['users', 'workflows', 'executions', 'execution_history', 'audit']
const prefix = (kind: string) => `'01800000-0000-7000-8${kind}00-'`

const wordsOf: Readonly<Record<DialectName, Words>> = {
  sqlite: {
    ...generatedRows.sqlite,
    id: (number, kind) => `${prefix(kind)} || printf('%012x', ${number})`,
    document: (value) => value,
    key: '"key"',
  },
  postgres: {
    ...generatedRows.postgres,
    id: (number, kind) => `${prefix(kind)} || lpad(to_hex(${number}), 12, '0')`,
    document: (value) => `(${value})::json`,
    key: '"key"',
  },
  mysql: {
    ...generatedRows.mysql,
    id: (number, kind) => `concat(${prefix(kind)}, lpad(lower(hex(${number})), 12, '0'))`,
    document: (value) => value,
    key: '`key`',
  },
}
