import { expect, test } from 'vitest'
import { isInstant } from './lines.ts'

test.each([
  '2026-01-31T09:30:00.000Z',
  '1000-01-01T00:00:00.000Z',
  '9999-12-31T23:59:59.999Z',
  '2024-02-29T00:00:00.000Z',
])('%s is a time', (text) => {
  expect(isInstant(text)).toBe(true)
})

test.each([
  '2026-01-31T09:30:00Z',
  '2026-01-31T09:30:00.000+00:00',
  '2026-01-31 09:30:00.000Z',
  '2026-02-29T00:00:00.000Z',
  '2026-13-01T00:00:00.000Z',
  '2026-01-31T24:00:00.000Z',
  '0999-12-31T23:59:59.999Z',
  '+010000-01-01T00:00:00.000Z',
  '2026-01-31T09:30:00.0000Z',
  '',
])('%s is none', (text) => {
  expect(isInstant(text)).toBe(false)
})
