import { entryOf, type ArchiveRow, type ArchiveValue, type RowPage, type RowPages } from '@millrace/db/archive/row'
import { watchRows, type WatchedRows } from '@millrace/db/archive/checked-rows'
import { archiveTables, type ArchiveTableName } from '@millrace/db/archive/tables'
import { compareKeys } from '@millrace/db/archive/text-order'

export interface SampleSize {
  readonly users: number
  readonly workflows: number
  readonly executions: number
}

/** Every sample user's password, and a bcrypt hash of it at the lowest cost. */
export const samplePassword = 'correct horse battery'
const samplePasswordHash = '$2b$04$HMWaRfzKo/IliCX0AJmsue8FXLvck2XulxfPJc1H10KiD/fntip8u'

/** Seeded (mulberry32): a test that fails fails again. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** Texts that some database, collation, driver or format has broken before. */
const awkward = [
  'plain',
  'quote \' double " back \\ slash `tick`',
  'line\nfeed\r\nand\ttab',
  'Ünïcödé ß ﬁ Ａ',
  '😀 \u{10FFFF} \uFFFD \uE000',
  'percent % under _ dollar $1 question ?',
  '\u0001\u001f\u2028\u2029',
  'trailing space ',
  '',
  '\uFEFFbegins with what some take for the mark of an encoding',
]

const documents = [
  '{}',
  '{ "a" : 1.0, "b": 1e400, "n": 12345678901234567890 }',
  '{"z":1,"a":2,"text":"\\u00e9\\/ \\ud83d\\ude00 😀"}',
  `${'{"a":'.repeat(40)}[]${'}'.repeat(40)}`,
  '{\n  "name": "white\\tspace",\n  "empty": ""\n}',
]

/** Awkward rows in the archive's order, as many as asked; the same for the same seed. */
export function sampleRows(size: SampleSize, seed = 1): RowPages {
  return pagesOf(rowsOf(size, randomFrom(seed)))
}

export function watchedSample(size: SampleSize, seed = 1): WatchedRows {
  return watchRows(sampleRows(size, seed))
}

type Tables = Readonly<Record<ArchiveTableName, readonly ArchiveRow[]>>

async function* pagesOf(tables: Tables): AsyncGenerator<RowPage> {
  for (const table of archiveTables) {
    const rows = tables[table.name].toSorted((left, right) => compareKeys(table.key, left, right))
    for (let at = 0; at < rows.length; at += 500) {
      const entries = rows.slice(at, at + 500).map((row) => entryOf(inOrder(table.columns, row)))
      yield await Promise.resolve({ table, entries })
    }
  }
}

function inOrder(columns: readonly { readonly name: string }[], row: ArchiveRow): ArchiveRow {
  return Object.fromEntries(columns.map(({ name }) => [name, row[name] ?? null]))
}

/** Ids in which byte order, UTF-16 order and a case-blind order all differ. */
function idOf(prefix: string, number: number): string {
  const odd = ['A', 'a', 'é', '\uE000', '😀', '_', 'Z', '~'][number % 8] ?? ''
  return number % 3 === 0
    ? `${odd}${prefix}-${number}`
    : `0190a000-0000-7000-8000-${prefix}${String(number).padStart(11, '0')}`
}

function rowsOf({ users, workflows, executions }: SampleSize, random: () => number): Tables {
  const pick = <Value>(values: readonly Value[]): Value => {
    const value = values[Math.floor(random() * values.length)]
    if (value === undefined) throw new RangeError('nothing to pick from')
    return value
  }
  const time = () =>
    new Date(Date.UTC(2020 + Math.floor(random() * 6), 0, 1) + Math.floor(random() * 3e10)).toISOString()
  const maybe = (value: ArchiveValue) => (random() < 0.3 ? null : value)
  const userIds = Array.from({ length: users }, (_, at) => idOf('u', at))
  const workflowIds = Array.from({ length: workflows }, (_, at) => idOf('w', at))
  const versionCounts = workflowIds.map(() => 1 + Math.floor(random() * 3))
  const definitionOf = (workflow: number, version: number) => documents[(workflow + version) % documents.length] ?? '{}'
  return {
    users: userIds.map((id, at) => ({
      id,
      username: `Üser_${at}_${'x'.repeat(at === 0 ? 200 : 0)}`,
      email: `user${at}@Example.com`,
      password_hash: samplePasswordHash,
      created_at: at === 0 ? '1000-01-01T00:00:00.000Z' : time(),
      role: at === 0 ? 'admin' : 'user',
      disabled_at: at % 5 === 1 ? time() : null,
      tokens_valid_from: at === 1 ? '9999-12-31T23:59:59.999Z' : time(),
      updated_at: time(),
    })),
    api_keys: userIds
      .filter((_, at) => at % 4 === 0)
      .map((userId, at) => ({
        id: idOf('k', at),
        user_id: userId,
        name: pick(awkward.slice(0, 8)),
        scopes: 'read write',
        prefix: `mr_${at}`,
        key_sha256: at.toString(16).padStart(64, '0'),
        expires_at: maybe(time()),
        created_at: time(),
        last_used_at: maybe(time()),
      })),
    settings: userIds
      .filter((_, at) => at % 2 === 0)
      .map((userId, at) => ({
        id: idOf('s', at),
        user_id: userId,
        settings_data: pick(documents),
        created_at: time(),
        updated_at: time(),
        revision: 1 + Math.floor(random() * 9),
      })),
    workflows: workflowIds.map((id, at) => ({
      id,
      name: pick(awkward.slice(0, 8)),
      description: maybe(pick(awkward)),
      definition: definitionOf(at, versionCounts[at] ?? 1),
      owner_id: at % 7 === 3 ? null : pick(userIds),
      is_public: random() < 0.5,
      created_at: time(),
      updated_at: time(),
      version_number: versionCounts[at] ?? 1,
      revision: at === 0 ? Number.MAX_SAFE_INTEGER : 3,
      transferred_at: maybe(time()),
    })),
    workflow_versions: workflowIds.flatMap((workflowId, at) =>
      Array.from({ length: versionCounts[at] ?? 1 }, (_, version) => ({
        id: idOf(`v${version}`, at),
        workflow_id: workflowId,
        version_number: version + 1,
        definition: definitionOf(at, version + 1),
        change_notes: maybe(pick(awkward)),
        created_by: maybe(pick(userIds)),
        created_at: time(),
      })),
    ),
    workflow_shares: workflowIds
      .filter((_, at) => at % 2 === 0)
      .map((workflowId, at) => ({
        id: idOf('h', at),
        workflow_id: workflowId,
        shared_with_user_id: pick(userIds),
        permission: pick(['view', 'execute', 'edit']),
        created_at: time(),
        shared_by: maybe(pick(userIds)),
      })),
    schedules: workflowIds
      .filter((_, at) => at % 3 === 0)
      .map((workflowId, at) => ({
        id: idOf('c', at),
        workflow_id: workflowId,
        name: pick(awkward.slice(0, 8)),
        cron: pick(['@hourly', '*/5 * * * 1-5', '0 0 29 2 *']),
        time_zone: pick(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires']),
        input: maybe(pick(documents)),
        max_attempts: 3,
        is_enabled: at % 2 === 0,
        disabled_reason: at % 2 === 0 ? null : pick(awkward.slice(0, 8)),
        overlap: pick(['allow', 'skip']),
        catch_up: pick(['latest', 'none']),
        next_at: at % 2 === 0 ? time() : null,
        last_at: maybe(time()),
        last_execution_id: maybe('an execution that is gone'),
        revision: 1 + Math.floor(random() * 9),
        created_by: maybe(pick(userIds)),
        created_at: time(),
        updated_at: time(),
      })),
    executions: Array.from({ length: executions }, (_, at) => {
      const workflow = Math.floor(random() * workflowIds.length)
      return {
        id: idOf('e', at),
        workflow_id: workflowIds[workflow] ?? null,
        user_id: maybe(pick(userIds)),
        status: pick(['pending', 'running', 'paused', 'completed', 'failed', 'cancelled']),
        state: maybe(pick([...documents, '"text"', '12', 'null', '[1, 2]'])),
        started_at: maybe(time()),
        completed_at: maybe(time()),
        version_number: 1 + Math.floor(random() * (versionCounts[workflow] ?? 1)),
        input: maybe(pick(documents)),
        error: maybe('{"code":"boom","message":"…"}'),
        attempts: Math.floor(random() * 4),
        max_attempts: 3,
        fence: Math.floor(random() * 100),
        due_at: maybe(time()),
        created_at: time(),
        updated_at: time(),
        wait_for: maybe('["approved", "rejected \\"😀\\""]'),
        schedule_id: maybe('a schedule that is gone'),
      }
    }),
    execution_history: Array.from({ length: executions }, (_, at) => at)
      .filter((at) => at % 2 === 0)
      .flatMap((at) =>
        Array.from({ length: 1 + (at % 5) }, (_unused, position) => ({
          execution_id: idOf('e', at),
          seq: position + 1,
          type: position === 0 ? 'created' : pick(['claimed', 'step', 'signal', 'paused', 'completed']),
          at: time(),
          fence: maybe(position),
          worker: maybe(pick(awkward.slice(0, 8))),
          actor: maybe('a user who is gone'),
          key: position % 2 === 0 ? null : `${pick(awkward.slice(0, 7))} ${position}`,
          name: maybe(pick(awkward.slice(0, 7))),
          output: maybe(pick([...documents, 'null', '"text"', '1e400'])),
          error: maybe('{"code":"boom","message":"…"}'),
          payload: maybe(pick(documents)),
          attempt: maybe(position),
          started_at: maybe(time()),
        })),
      ),
    audit: userIds.map((userId, at) => ({
      id: idOf('a', at),
      at: time(),
      type: pick(['user.registered', 'workflow.updated', 'execution.started']),
      actor_kind: pick(['user', 'key', 'schedule', 'command', 'system']),
      actor_user_id: maybe(userId),
      actor_id: maybe(pick(awkward)),
      subject_type: pick(['user', 'workflow', 'database']),
      subject_id: maybe(pick(awkward)),
      workflow_id: maybe('a workflow that is gone'),
      owner_id: maybe(pick(userIds)),
      data: pick(documents),
      network: maybe('2001:db8:0:1::/64'),
      request_id: maybe('request-1'),
    })),
  }
}
