import type { World } from '../contract/world.ts'

/** A row of the table `audit`, read past all of Millrace. */
export interface TrailEvent {
  readonly id: string
  readonly type: string
  readonly actorKind: string
  readonly actorUserId: string | null
  readonly actorId: string | null
  readonly subjectType: string
  readonly subjectId: string | null
  readonly workflowId: string | null
  readonly ownerId: string | null
  readonly network: string | null
  readonly requestId: string | null
  /** The text of a JSON object. */
  readonly data: string
}

/** What becomes of a backup that was asked for before, whenever it is done. */
const ofBackups: ReadonlySet<string> = new Set(['backup.completed', 'backup.failed'])

/** Does the work, and gives the events that are there after it and were not before. */
export async function eventsOf<Result>(
  world: World,
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly events: readonly TrailEvent[] }> {
  const before = new Set((await readTrail(world)).map(({ id }) => id))
  const result = await work()
  const events = (await readTrail(world)).filter(({ id, type }) => !before.has(id) && !ofBackups.has(type))
  return { result, events }
}

async function readTrail({ service }: World): Promise<readonly TrailEvent[]> {
  const rows = await service.database.query('select * from audit order by at, id')
  return rows.map((row) => {
    const { data } = row
    const text = (name: string) => {
      const value = row[name]
      return typeof value === 'string' ? value : null
    }
    return {
      id: String(row['id']),
      type: String(row['type']),
      actorKind: String(row['actor_kind']),
      actorUserId: text('actor_user_id'),
      actorId: text('actor_id'),
      subjectType: String(row['subject_type']),
      subjectId: text('subject_id'),
      workflowId: text('workflow_id'),
      ownerId: text('owner_id'),
      network: text('network'),
      requestId: text('request_id'),
      data: typeof data === 'string' ? data : JSON.stringify(data),
    }
  })
}

/** Names of the sessions that a user has. */
export async function sessionsOf({ service }: World, userId: string): Promise<readonly string[]> {
  const rows = await service.database.query(`select distinct family_id from sessions where user_id = '${userId}'`)
  return rows.map((row) => String(row['family_id']))
}
