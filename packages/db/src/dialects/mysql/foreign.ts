import { bytesOfHex, integerCell } from '../../archive/adopt/cell.ts'
import type { ForeignDialect } from '../../archive/adopt/foreign.ts'

const binary = /^(?:tiny|medium|long)?blob|binary/
const bits = /^bit/
const integer = /^(?:tiny|small|medium|big)?int/

export const mysqlForeign: ForeignDialect = {
  cell(column, type) {
    // A BLOB's bytes come as they are; JSON of MySQL, which a driver would parse, and dates as text.
    if (binary.test(type)) return `hex(${column})`
    return bits.test(type) ? `cast(${column} + 0 as char)` : `convert(${column} using utf8mb4)`
  },
  cellBytes: (column) => `coalesce(length(${column}), 0)`,
  readCell(value, type) {
    if (value === null || value === undefined) return null
    const text = textOf(value)
    if (binary.test(type)) return bytesOfHex(text)
    return integer.test(type) || bits.test(type) ? integerCell(text) : text
  },
  rowNumber: undefined,
}

function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return new TextDecoder().decode(value)
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return String(value)
  throw new TypeError(`a MySQL cell gave a value of type ${typeof value}`)
}
