import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { workspaceRoot } from '../workspace.ts'

const page = readFileSync(join(workspaceRoot, 'docs/security.md'), 'utf8')

test('each test and file that the list of requirements names is there', () => {
  const named = [...page.matchAll(/`((?:test|packages)\/[^`\s]+)`/g)].map(([, path = '']) => path)
  expect(named.length).toBeGreaterThan(60)
  expect(named.filter((path) => !existsSync(join(workspaceRoot, path)))).toEqual([])
})

test('no requirement is listed twice within a chapter’s rows', () => {
  const rows = page.split('\n').filter((line) => /^\| \d/.test(line))
  const first = rows.map((row) => row.split('|')[1]?.trim() ?? '')
  expect(first.filter((one, index) => first.indexOf(one) !== index)).toEqual([])
})
