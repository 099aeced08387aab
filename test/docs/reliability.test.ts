import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { workspaceRoot } from '../workspace.ts'

const page = readFileSync(join(workspaceRoot, 'docs/reliability.md'), 'utf8')

test('each fault that is listed as found names a test that is there', () => {
  const named = [...page.matchAll(/`((?:test|packages)\/[^`\s]+\.test\.ts)` “([^”]+)”/g)]
  const lacking = named.filter(([, path = '', name = '']) => {
    const file = join(workspaceRoot, path)
    return !existsSync(file) || !readFileSync(file, 'utf8').includes(name)
  })
  expect(named.length).toBeGreaterThan(30)
  expect(lacking.map(([text]) => text)).toEqual([])
})
