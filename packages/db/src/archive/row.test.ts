import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { entryOf, type ArchiveValue } from './row.ts'
import { archiveTables } from './tables.ts'

const value = fc.oneof(
  fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
  fc.maxSafeInteger(),
  fc.boolean(),
  fc.constant(null),
)

test.each(archiveTables)("a row's text is RFC 8785's: $name", ({ columns }) => {
  const row = fc
    .tuple(...columns.map(() => value))
    .map((values) =>
      Object.fromEntries(columns.map(({ name }, position): [string, ArchiveValue] => [name, values[position] ?? null])),
    )
  fc.assert(
    fc.property(row, (generated) => {
      const reversed = Object.fromEntries(Object.entries(generated).toReversed())
      expect(entryOf(generated).text).toBe(canonicalize(reversed))
    }),
  )
})
