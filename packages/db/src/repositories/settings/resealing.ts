import { and, asc, eq, gt } from 'drizzle-orm'
import { all, isAnchor } from '../../access/access.ts'
import type { DocumentText } from '../../document/index.ts'
import type { SettingsRow } from '../../schema/rows.ts'
import { buildStatement, defineQuery } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { isNotRestoring, restoreError } from '../../store/restore-mark.ts'
import { appliedQuery, isUnchanged } from './settings.ts'

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

/**
 * Puts other seals on the secrets of settings that are still as they were read. The document itself stays what it is to
 * its user, so its revision and time do too; `operation` in `last_op` tells a write that read before of it.
 * @returns false when they have changed since.
 */
export async function resealSettings(
  store: Store,
  before: SealedSettings,
  { data, operation }: { readonly data: DocumentText; readonly operation: string },
): Promise<boolean> {
  const { dialect } = store
  const { settings } = dialect.tables
  const update = dialect.builder
    .update(settings)
    .set({ settingsData: data, lastOp: operation } satisfies Partial<SettingsRow>)
    .where(all(eq(settings.userId, before.userId), and(isUnchanged(dialect, before), isNotRestoring(dialect))))
  const { affected } = await store.write({
    writes: [buildStatement(update)],
    applied: appliedQuery(dialect, { userId: before.userId, operation }),
  })
  return affected[0] === 1
}
