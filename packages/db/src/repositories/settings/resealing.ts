import { and, asc, eq, gt } from 'drizzle-orm'
import { all, isAnchor, restoreError } from '../../access/access.ts'
import type { DocumentText } from '../../document/index.ts'
import type { SettingsRow } from '../../schema/rows.ts'
import { rowLock } from '../../sql/row-lock.ts'
import { buildStatement, defineQuery } from '../../sql/building.ts'
import type { Store } from '../../store/store.ts'
import { isNotRestoring } from '../../access/conditions.ts'
import { eventQuery, recordEvent } from '../audit/event.ts'
import { isUnchanged, refuseLargeSettings } from './settings.ts'

/* What an operator does with everyone's settings, without a caller: the command line stands outside of permissions. */

/** One user's settings as they were read. */
export interface SealedSettings {
  readonly userId: string
  readonly data: DocumentText
  readonly revision: number
  readonly lastOp: string | null
}

/** Each document may have a MiB and more. */
const rowsAPage = 16

const pageQuery = defineQuery<{ after: string }>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { marks, settings } = tables
  return builder
    .select({
      restore: marks.value,
      userId: settings.userId,
      data: settings.settingsData,
      revision: settings.revision,
      lastOp: settings.lastOp,
    })
    .from(settings)
    .innerJoin(marks, isAnchor(dialect))
    .where(gt(settings.userId, bind('after', settings.userId)))
    .orderBy(asc(settings.userId))
    .limit(rowsAPage)
})

const ofUserQuery = defineQuery<{ userId: string }>()(({ builder, tables: { settings } }, bind) =>
  builder
    .select({
      userId: settings.userId,
      data: settings.settingsData,
      revision: settings.revision,
      lastOp: settings.lastOp,
    })
    .from(settings)
    .where(eq(settings.userId, bind('userId', settings.userId))),
)

/** Everyone's settings in the order of user ids, a page at a time; what is written meanwhile may be among them or not. */
export async function* eachSettings(store: Store): AsyncGenerator<readonly SealedSettings[]> {
  let after = ''
  for (;;) {
    const rows = await store.read(pageQuery(store.dialect, { after }))
    if (rows.some(({ restore }) => restore !== null)) throw restoreError()
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    after = last.userId
  }
}

/** One user's settings as they are now; undefined when they are gone. */
export async function readSettingsOf(store: Store, userId: string): Promise<SealedSettings | undefined> {
  const [row] = await store.read(ofUserQuery(store.dialect, { userId }))
  return row
}

export interface Resealing {
  readonly data: DocumentText
  /** How many secrets have another seal. */
  readonly secrets: number
  /** Names this write: the id of its audit event, which the row keeps too. */
  readonly operation: string
  readonly at: Date
}

/**
 * Puts other seals on the secrets of settings that are still as they were read. The document itself stays what it is to
 * its user, so its revision and time do too; `operation` in `last_op` tells a write that read before of it.
 * @returns false when they have changed since.
 */
export async function resealSettings(store: Store, before: SealedSettings, resealing: Resealing): Promise<boolean> {
  const { dialect } = store
  const { settings, users } = dialect.tables
  const { data, secrets, operation, at } = resealing
  const { userId } = before
  const update = dialect.builder
    .update(settings)
    .set({ settingsData: data, lastOp: operation } satisfies Partial<SettingsRow>)
    .where(all(eq(settings.userId, userId), and(isUnchanged(dialect, before), isNotRestoring(dialect))))
  const { isOpen } = await store.apply({
    locks: [rowLock(dialect, 'users', 'no key update', eq(users.id, userId))],
    gate: buildStatement(update),
    effects: [
      recordEvent(dialect, {
        id: operation,
        at,
        type: 'secrets.rotated',
        actor: { kind: 'command', userId: null, id: 'keys rotate' },
        subject: { type: 'settings', id: userId },
        ownerId: userId,
        data: { secrets },
        origin: { requestId: null, network: null },
      }),
      ...refuseLargeSettings(dialect, userId, resealing),
    ],
    proof: eventQuery(dialect, operation),
  })
  return isOpen
}
