import { explanations } from '@millrace/cli/doctor/explanations'
import { checkIds, isForProductionAlone } from '@millrace/db/checklist/checks'
import { expect, test } from 'vitest'
import { readPage } from '../docs/markdown.ts'

test('the page has every check, as the code explains it', () => {
  const rows = checkIds.map((id) => {
    const { looksAt, reports, fix } = explanations[id]
    return `| \`${id}\`${isForProductionAlone(id) ? ' ᵖ' : ''} | ${looksAt} | ${reports} | ${fix} |`
  })
  const table = readPage('docs/doctor.md').prose.match(/^\| `[^|]*\|.*\|$/gm)
  expect(table).toEqual(rows)
})
