import { integerCell } from '../../archive/adopt/cell.ts'
import type { ForeignDialect } from '../../archive/adopt/foreign.ts'

const integers: ReadonlySet<string> = new Set(['smallint', 'integer', 'bigint'])

export const postgresForeign: ForeignDialect = {
  cell: (column) => `${column}::text`,
  cellBytes: (column) => `coalesce(octet_length(${column}::text), 0)`,
  readCell(value, type) {
    if (value === null || value === undefined) return null
    if (typeof value !== 'string') throw new TypeError(`a PostgreSQL cell gave a value of type ${typeof value}`)
    if (type === 'boolean') return value === 'true'
    return integers.has(type) ? integerCell(value) : value
  },
  // Behind each page of it PostgreSQL sorts what is left, so it serves tables without a key alone.
  rowNumber: { column: 'ctid', isPreferred: false },
}
