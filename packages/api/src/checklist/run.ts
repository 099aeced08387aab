import type { Finding } from '@millrace/db/checklist/finding'
import { arranged, checkDatabase } from '@millrace/db/checklist/run'
import { checkTarget } from '@millrace/db/checklist/target'
import type { Subject } from '@millrace/db/checklist/subject'
import { knownMigrations, pendingMigrations } from '@millrace/db/schema/known-migrations'
import type { Settings } from '../settings.ts'
import { checkSettings } from './settings.ts'

export interface ChecklistInput extends Pick<Subject, 'database' | 'replica' | 'clock' | 'observer'> {
  readonly settings: Settings
  /** Names of the migrations that are applied. */
  readonly applied: readonly string[]
}

/** The production checklist, as a deployed function sees it: its settings can be read, and its database answers. */
export async function runChecklist({ settings, applied, ...reached }: ChecklistInput): Promise<readonly Finding[]> {
  const target = settings.database
  const known: ReadonlySet<string> = new Set(knownMigrations)
  const migrations = {
    applied,
    pending: pendingMigrations(applied),
    changed: [],
    newer: applied.filter((name) => !known.has(name)),
  }
  const findings = [
    ...checkSettings(settings, []),
    checkTarget(target),
    ...(await checkDatabase({
      ...reached,
      target,
      sweepsEnded: settings.executionKeepMilliseconds !== undefined,
      readMigrations: () => Promise.resolve(migrations),
    })),
  ]
  return arranged(findings, {
    isDevelopment: false,
    reason: 'the database answered no more.',
    fix: 'Run `millrace doctor` against this DATABASE_URL.',
  })
}
