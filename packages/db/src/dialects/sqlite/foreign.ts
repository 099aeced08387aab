import { bytesOfHex, cellOfBytes, integerCell } from '../../archive/adopt/cell.ts'
import type { ForeignDialect } from '../../archive/adopt/foreign.ts'

/** SQLite's types are those of values, not of columns: each cell is asked for its own. */
export const sqliteForeign: ForeignDialect = {
  // Text as bytes: the binding ends the process on a text that is no UTF-8. JSON has no word for an infinite number.
  cell: (column) =>
    `case typeof(${column}) when 'text' then cast(${column} as blob) when 'blob' then hex(${column}) when 'real' then case when abs(${column}) > 1.7976931348623157e308 then cast('Infinity' as blob) else ${column} end else ${column} end`,
  cellBytes: (column) => `coalesce(length(cast(${column} as blob)), 0)`,
  readCell(value) {
    if (value === null || value === undefined) return null
    if (value instanceof ArrayBuffer) return cellOfBytes(new Uint8Array(value))
    if (value instanceof Uint8Array) return cellOfBytes(value)
    // D1 gives a blob as the list of its bytes: https://developers.cloudflare.com/d1/worker-api/#type-conversion
    if (Array.isArray(value)) return cellOfBytes(Uint8Array.from(value, Number))
    if (typeof value === 'bigint') return integerCell(value)
    if (typeof value === 'number') return value
    if (typeof value === 'string') return bytesOfHex(value)
    throw new TypeError(`a SQLite cell gave a value of type ${typeof value}`)
  },
  rowNumber: { column: '_rowid_', isPreferred: true },
}
