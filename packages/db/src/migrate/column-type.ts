import type { ColumnShape } from './catalogue.ts'

/** A column's type as DDL has it. */
export function typeOf({ type, collation }: ColumnShape): string {
  if (collation === undefined) return type
  return collation.startsWith('utf8mb4')
    ? `${type} character set utf8mb4 collate ${collation}`
    : `${type} collate "${collation}"`
}
