import { checkIds, isForProductionAlone } from '@millrace/db/checklist/checks'
import { expect, test } from 'vitest'
import { readPage } from '../docs/markdown.ts'

test('the page explains every check, in the order of the checklist, and marks what only production needs', () => {
  const rows = readPage('docs/doctor.md').prose.match(/^\| `[^|]*\|.*\|$/gm) ?? []
  const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()))
  expect(cells.map(([, id]) => id)).toEqual(checkIds.map((id) => `\`${id}\`${isForProductionAlone(id) ? ' ᵖ' : ''}`))
  for (const [, id, looksAt, reports, fix, ...rest] of cells) {
    expect([id, looksAt, reports, fix], id).not.toContain('')
    expect(rest, id).toEqual([''])
  }
})
