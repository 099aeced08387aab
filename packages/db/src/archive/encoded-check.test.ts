import { expect, test } from 'vitest'
import { EncodedCheck } from './encoded-check.ts'
import { References } from './references.ts'
import { tableNamed, type ArchiveColumn } from './tables.ts'

const audit = tableNamed('audit')
if (audit === undefined) throw new Error('an archive has no audit log')
const { columns } = audit

/** A row of the audit log as PostgreSQL encodes it in a binary COPY, with its message's head. */
function encoded(id: string): Uint8Array {
  const fields = columns.map((column) => encodedField(column, id))
  const length = fields.reduce((sum, field) => sum + 4 + Math.max(0, field?.length ?? 0), 4 + 2)
  const out = Buffer.alloc(1 + length)
  out.write('d')
  out.writeInt32BE(length, 1)
  out.writeInt16BE(fields.length, 5)
  let at = 7
  for (const field of fields) {
    at = out.writeInt32BE(field?.length ?? -1, at)
    if (field !== undefined) at += field.copy(out, at)
  }
  return out
}

function encodedField({ name, kind, isNullable, values = [] }: ArchiveColumn, id: string): Buffer | undefined {
  if (name === 'id') return Buffer.from(id)
  if (isNullable) return undefined
  return kind === 'time' ? Buffer.alloc(8) : Buffer.from(values[0] ?? 'x')
}

test('the order of rows is compared across pages whose bytes were given back', () => {
  const check = EncodedCheck.of(audit, { parsed: new Set(['data']) }, new References())
  if (check === undefined) throw new Error('the audit log is judged by values')
  const page = encoded('m')
  check.begin()
  expect(check.passes(page, 0)).toBe(true)
  check.end()
  page.fill(0)
  check.begin()
  expect([check.passes(encoded('k'), 0), check.passes(encoded('m'), 0), check.passes(encoded('n'), 0)]).toEqual([
    false,
    false,
    true,
  ])
})
