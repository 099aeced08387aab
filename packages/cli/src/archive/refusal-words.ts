import type { Adoption, RefusalGroup } from '@millrace/db/archive/adopt/adoption'
import type { AdoptionNote } from '@millrace/db/archive/adopt/stage'
import type { RefusalReason } from '@millrace/db/archive/adopt/reasons'
import { printable } from '../printable.ts'

/** Ids that a line shows of each table. */
const shownIds = 5

interface ReasonWords {
  readonly meaning: string
  readonly fix: string
}

const reasonWords: Record<RefusalReason, ReasonWords> = {
  parent_missing: {
    meaning: 'refers to a user or workflow that is not there',
    fix: 'Put the missing row back, set the reference to null where it may be, or delete the row.',
  },
  parent_quarantined: {
    meaning: 'refers to a row that is refused itself',
    fix: 'Correct that row.',
  },
  name_conflict: {
    meaning: 'an older user has the same name, ignoring case and form',
    fix: 'Rename one of them.',
  },
  email_conflict: {
    meaning: 'an older user has the same email, ignoring case and form',
    fix: 'Change one of them, or merge the accounts.',
  },
  duplicate_share: {
    meaning: 'an older share gives the same user the same workflow',
    fix: 'Delete the one that should not count.',
  },
  duplicate_version: {
    meaning: 'an older version of the workflow has the same number',
    fix: 'Give it a free number, or delete it.',
  },
  duplicate_settings: {
    meaning: 'older settings of the same user are there',
    fix: 'Merge them, and delete one.',
  },
  invalid_document: {
    meaning:
      'a document is no JSON, no object where one is needed, or not portable (U+0000, a lone surrogate, a repeated key, `__proto__`, more than 64 levels); or a text is no UTF-8',
    fix: 'Correct the text.',
  },
  invalid_time: {
    meaning: 'a time cannot be read, or is outside the years 1000 to 9999',
    fix: 'Write it as YYYY-MM-DD HH:MM:SS in UTC.',
  },
  unknown_status: {
    meaning: 'the status is not pending, running, paused, completed, failed or cancelled',
    fix: 'Set the one that is meant.',
  },
  unknown_permission: {
    meaning: 'the permission is not view, execute or edit',
    fix: 'Set the one that is meant.',
  },
  invalid_id: {
    meaning:
      'the key is empty, ends in a space, is `.`, `..`, `batch` or `claim`, is not text, or is used by another row',
    fix: 'Give the row another key, and change what refers to it.',
  },
  too_long: {
    meaning:
      'a text is too long (ids 64, usernames and workflow names 255, emails 254, descriptions 100,000, notes 10,000 characters)',
    fix: 'Shorten it.',
  },
  null_required: {
    meaning: 'a value is missing that must be there',
    fix: 'Fill it in, or delete the row.',
  },
}

/** One line per reason: how many rows, the first of them, what it means and what to do. */
export function refusalLines({ refusals }: Adoption): readonly string[] {
  return refusals.map(({ reason, count, tables }) => {
    const { meaning, fix } = reasonWords[reason]
    const where = tables.map((rows) => `${rows.table} ${idsOf(rows)}`).join('; ')
    return `${reason}, ${rowsWord(count)} (${where}): ${meaning}. ${fix}`
  })
}

function idsOf({ ids, count }: RefusalGroup['tables'][number]): string {
  const shown = ids.slice(0, shownIds).map((id) => (id === null ? 'without id' : printable(id)))
  return count > shown.length ? `${shown.join(', ')}, …` : shown.join(', ')
}

/** For the JSON document. */
export function refusedDocument({ refusals }: Adoption): object {
  return Object.fromEntries(
    refusals.map(({ reason, count, tables }) => [reason, { count, ids: tables.flatMap(({ ids }) => ids) }]),
  )
}

const fillings = {
  flag: 'is null, and read as false',
  created_at: 'is null: `updated_at` is used as the time of creation, or else the time of the copy',
  updated_at: 'is null, and read as created_at',
} as const

export function noteWords(note: AdoptionNote): string {
  switch (note.kind) {
    case 'filled':
      return `${note.table}.${note.column} ${fillings[note.filling]}, in ${rowsWord(note.rows)}.`
    case 'column_left':
      return `The column ${note.table}.${printable(note.column)} is left, with a value in ${rowsWord(note.rows)}.`
    case 'table_left':
      return `The table ${printable(note.table)} is left, with ${rowsWord(note.rows)}.`
    case 'table_missing':
      return `The table ${note.table} is not there, and counts as empty.`
  }
}

export function rowsWord(count: number): string {
  return count === 1 ? '1 row' : `${count.toLocaleString('en-US')} rows`
}
