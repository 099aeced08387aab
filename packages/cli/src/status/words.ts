import { styleText } from 'node:util'
import { printable } from '../printable.ts'
import type { ServiceStatus, ShownBackup } from './status.ts'

/** A status for people, in one look. */
export function statusWords(shown: string, status: ServiceStatus, isColored: boolean): string {
  const { version, dialect, schema, pendingMigrations, executions, schedules, lastBackup } = status
  const lines: readonly (readonly [string, string])[] = [
    ['version', `${version}, ${dialect}, schema ${schema}${pendingWords(pendingMigrations)}`],
    ...(status.restoreInProgress ? [['restore', 'under way or interrupted: requests are answered 503'] as const] : []),
    ['executions', executions === null ? 'not known' : executionWords(executions)],
    ...(schedules === null ? [] : [['schedules', `${schedules.due} due`] as const]),
    ['backup', lastBackup === null ? 'none known' : backupWords(lastBackup)],
    ['checklist', checklistWords(status, isColored)],
  ]
  return [shown, ...lines.map(([name, words]) => `  ${name.padEnd(10)}  ${words}`)].join('\n')
}

function pendingWords(pending: ServiceStatus['pendingMigrations']): string {
  if (pending === null) return ''
  return pending.length === 0 ? ', no migration pending' : `, pending: ${pending.join(', ')}`
}

function executionWords(executions: NonNullable<ServiceStatus['executions']>): string {
  return Object.entries(executions)
    .map(([name, count]) => `${count.toLocaleString('en-US')} ${name}`)
    .join(', ')
}

function backupWords({ name, result, createdAt, verifiedAt, drilledAt, encrypted }: ShownBackup): string {
  const proofs = [
    result === 'ok' ? 'ok' : printable(result),
    verifiedAt === null ? 'not verified' : `verified ${verifiedAt}`,
    drilledAt === null ? 'not drilled' : `drilled ${drilledAt}`,
    encrypted ? 'encrypted' : 'not encrypted',
  ]
  return `${printable(name)}, taken ${createdAt}: ${proofs.join(', ')}`
}

const signs = { ok: 'ok', warn: 'WARN', fail: 'FAIL' } as const
const colors = { ok: 'green', warn: 'yellow', fail: 'red' } as const

function checklistWords({ findings, worst }: ServiceStatus, isColored: boolean): string {
  const counts = `${findings.ok} ok, ${findings.warn} warnings, ${findings.fail} failures`
  if (worst === null) return counts
  const sign = isColored
    ? styleText(colors[worst.level], signs[worst.level], { validateStream: false })
    : signs[worst.level]
  const indent = `\n${' '.repeat(14)}`
  const details = [`${sign} ${worst.id}: ${printable(worst.message)}`, `fix: ${printable(worst.fix)}`]
  return [counts, ...details, 'All of it: millrace doctor'].join(indent)
}
