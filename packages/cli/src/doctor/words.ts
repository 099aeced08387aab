import { styleText } from 'node:util'
import type { CheckId } from '@millrace/db/checklist/checks'
import type { Finding } from '@millrace/db/checklist/finding'
import { printable } from '../printable.ts'

const groups: readonly { readonly title: string; readonly ids: readonly CheckId[] }[] = [
  { title: 'Connection', ids: ['url', 'reachable', 'auth', 'database.exists', 'tls'] },
  { title: 'Text', ids: ['charset', 'collation', 'json.support'] },
  {
    title: 'Schema',
    ids: ['schema.migrations', 'schema.table', 'schema.column', 'schema.index', 'schema.foreign_key'],
  },
  { title: 'Server', ids: ['sqlite.production', 'pool.size', 'clock', 'replica', 'jit'] },
  { title: 'Backups', ids: ['backup.configured', 'backup.age', 'backup.encrypted', 'backup.drilled'] },
  {
    title: 'Secrets',
    ids: ['secret.auth_keys', 'secret.settings_keys', 'secret.metrics_token', 'secret.reuse', 'registration.open'],
  },
  { title: 'Rows', ids: ['restore.unfinished', 'rows.stale', 'executions.kept'] },
]

const signs = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' } as const
const colors = { ok: 'green', warn: 'yellow', fail: 'red' } as const
const idWidth = 22

/** The findings for people, by group, with a count at the end. */
export function findingWords(shownUrl: string, findings: readonly Finding[], isColored: boolean): string {
  const paint = (color: 'bold' | 'dim' | 'green' | 'yellow' | 'red', text: string) =>
    isColored ? styleText(color, text, { validateStream: false }) : text
  const parts = groups.map(({ title, ids }) => {
    const ofGroup = ids.flatMap((id) => findings.filter((finding) => finding.id === id))
    const lines = alike(ofGroup).flatMap(([first, ...others], position, all) => {
      const { level, message, fix, sql } = first
      const told = [first, ...others].map(({ id }) => id).join(', ')
      const isTold = fix === '' || all[position - 1]?.[0].fix === fix
      return [
        `  ${paint(colors[level], signs[level])}  ${told.padEnd(idWidth)}${others.length === 0 ? '' : lineBreak}${indented(message)}`,
        ...(isTold ? [] : [`        ${paint('dim', `fix: ${indented(fix)}`)}`]),
        ...(sql === undefined ? [] : [`        ${paint('dim', `sql: ${indented(sql)}`)}`]),
      ]
    })
    return [paint('bold', title), ...lines].join('\n')
  })
  return [shownUrl, ...parts, countWords(findings)].join('\n\n')
}

type Alike = readonly [Finding, ...Finding[]]

/** Neighbours that say the same, such as why nothing could be checked. */
function alike(findings: readonly Finding[]): readonly Alike[] {
  const groupsOf: [Finding, ...Finding[]][] = []
  for (const finding of findings) {
    const last = groupsOf.at(-1)
    if (last !== undefined && last[0].message === finding.message && last[0].sql === finding.sql) last.push(finding)
    else groupsOf.push([finding])
  }
  return groupsOf
}

const lineBreak = '\n        '

function indented(text: string): string {
  return text.split('\n').map(printable).join(lineBreak)
}

function countWords(findings: readonly Finding[]): string {
  const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length
  const [right, warnings, failures] = [count('ok'), count('warn'), count('fail')]
  return `${findings.length} findings: ${right} ok, ${warnings} warnings, ${failures} failures.`
}
