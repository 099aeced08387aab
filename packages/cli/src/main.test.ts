import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('nothing but the words of the title is loaded before the title is set', () => {
  const text = readFileSync(join(import.meta.dirname, 'main.ts'), 'utf8')
  expect([...text.matchAll(/^import\b.* from '(.*)'$/gm)].map(([, name]) => name)).toEqual(['./process-title.ts'])
  expect(text.indexOf('process.title =')).toBeLessThan(text.indexOf("await import('./run.ts')"))
})
