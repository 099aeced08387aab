import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { troubleshootingPage } from './troubleshooting-page.ts'

test('docs/troubleshooting.md is what `node scripts/troubleshooting.ts` writes', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/troubleshooting.md'), 'utf8')
  expect(page).toBe(troubleshootingPage())
})
