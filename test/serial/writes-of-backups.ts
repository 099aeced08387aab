import { newBackupRow } from '@millrace/api/backups/new-row'
import { newId } from '@millrace/api/ids'
import { recordBackup, recordDrill } from '@millrace/db/repositories/backups/backups'
import { requestBackup, type BackupResult } from '@millrace/db/repositories/backups/requests'
import { addBackup, endBackup, noteBegun, postponeBackup, putBackup } from '@millrace/db/repositories/backups/runs'
import { backupMark } from '@millrace/db/schema/schema'
import type { BackupRow } from '@millrace/db/schema/rows'
import type { Store } from '@millrace/db/store/store'
import { commands, type CommandInput } from './commands.ts'
import { standing } from './write.ts'

/* Backups, below the route and the job, which need a bucket. */

const heldBy = 'a run'
const begun = '2026-01-30T033000Z'
const drilled = 'a'.repeat(64)

/**
 * The world's backups: one that a run has begun and failed with, whose lease is over, and two that the command line took.
 */
export async function addBackups(store: Store, at: Date): Promise<void> {
  await store.tidy([store.dialect.migration.takeLock(backupMark, heldBy, 1)])
  await noteBegun(store, heldBy, { name: begun, uploadId: 'an upload', isTrial: false })
  await putBackup(store, heldBy, newBackupRow({ name: begun, result: 'failed: cut_off', createdAt: at }))
  for (const [name, sha256] of [
    ['one', drilled],
    ['another', 'b'.repeat(64)],
  ] as const) {
    await recordDrill(store, drillOf(name, sha256, at))
  }
}

/** `name` becomes that of the new backup. */
function ask(store: Store, { id, eventId, at }: CommandInput, who: string, name: string) {
  const caller = { kind: 'user', userId: id(who), issuedAt: at, mayAdminister: true } as const
  return requestBackup(store, caller, newBackupRow({ name, result: 'requested', createdAt: at }), eventId)
}

const drillOf = (name: string, sha256: string, at: Date) => ({
  ...newBackupRow({ name, result: 'ok', createdAt: at, verifiedAt: at }),
  sha256,
  drilledAt: at,
})

const ended = (at: Date, change: Partial<BackupRow> & { readonly result?: BackupResult } = {}) =>
  newBackupRow({ name: begun, result: 'ok', createdAt: at, bytes: 10, rowCount: 1, verifiedAt: at, ...change })

/** A run does one thing after the other, so its writes meet none of their own: those who ask, and who takes over. */
const ofTheRun = ['lease', 'requests']

export const ofBackups = commands({
  'ask for a backup': {
    run: (store, input) => ask(store, input, 'root', '2026-01-31T033000Z'),
    changes: ['requests'],
    reads: standing.root,
  },
  'note what a run has begun': {
    run: (store) => noteBegun(store, heldBy, { name: '2026-01-31T040000Z', uploadId: 'an upload', isTrial: false }),
    reads: ['lease'],
  },
  'record a running backup': {
    run: (store, { at }) =>
      putBackup(store, heldBy, newBackupRow({ name: '2026-01-31T040000Z', result: 'running', createdAt: at })),
    reads: ofTheRun,
  },
  'end a backup': {
    run: (store, { eventId, at }) => endBackup(store, heldBy, ended(at), { id: eventId, at }),
    reads: ofTheRun,
  },
  'postpone a backup': {
    run: (store, { at }) => postponeBackup(store, heldBy, ended(at, { result: 'requested' })),
    reads: ofTheRun,
  },
  'record a backup that failed at once': {
    run: (store, { eventId, at }) =>
      addBackup(store, heldBy, ended(at, { name: '2026-01-31T050000Z', result: 'failed: internal' }), {
        id: eventId,
        at,
      }),
    reads: ofTheRun,
  },
  'take the lease of a run over': {
    run: (store) => store.tidy([store.dialect.migration.takeLock(backupMark, 'another run', 3_600_000)]),
    changes: ['lease'],
  },
})

/** Those that no pair needs. */
export const ofBackupsAlone = commands({
  'record a backup of a command': {
    run: (store, { eventId, at }) => recordBackup(store, ended(at, { name: 'of a command' }), eventId),
  },
  'ask for a backup otherwise': { run: (store, input) => ask(store, input, 'admin', '2026-01-31T033001Z') },
  'ask for a backup without being an administrator': {
    run: (store, input) => ask(store, input, 'alice', '2026-01-31T033002Z'),
  },
  'ask for two backups': {
    async run(store, input) {
      await ask(store, input, 'root', '2026-01-31T033000Z')
      return ask(store, { ...input, eventId: newId(input.at) }, 'admin', '2026-01-31T033001Z')
    },
  },
  'end a backup by another run': {
    run: (store, { eventId, at }) => endBackup(store, 'another run', ended(at), { id: eventId, at }),
  },
  'postpone a backup by another run': {
    run: (store, { at }) => postponeBackup(store, 'another run', ended(at, { result: 'requested' })),
  },
  'record a drill of a known backup': {
    run: (store, { at }) => recordDrill(store, drillOf('drilled', drilled, at)),
  },
  'record a drill of a new backup': {
    run: (store, { at }) => recordDrill(store, drillOf('drilled', 'c'.repeat(64), at)),
  },
  'record a drill of a file with other content': {
    run: (store, { at }) => recordDrill(store, drillOf('another', 'd'.repeat(64), at)),
  },
})
