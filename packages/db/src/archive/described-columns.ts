import type { ColumnKit } from '../dialects/sqlite/kit.ts'
import { defineTables } from '../schema/schema.ts'

/** What a column holds, and how the archive writes it. */
export type ColumnKind =
  /** A key of 1 to 64 characters that doesn't end in a space: databases that pad would take it for another. */
  | 'id'
  | 'text'
  /** A JSON document's exact text, as a string. */
  | 'document'
  /** ISO 8601 in UTC with milliseconds. */
  | 'time'
  | 'flag'
  /** A safe integer. */
  | 'count'

export interface ArchiveColumn {
  readonly name: string
  readonly kind: ColumnKind
  readonly isNullable: boolean
  /** The only values that it may have. */
  readonly values?: readonly string[]
  /** In characters; what the narrowest database takes. */
  readonly maxLength?: number
  /** Number of the schema that it came with, where that is not the first: in older archives it is absent, and null. */
  readonly since?: number
}

/** What the schema says of a column; a mark that ends nothing gives the column itself. */
function describe(kind: ColumnKind) {
  return (name: string, maxLength?: number) => {
    const described = { name, kind, isNullable: true, ...(maxLength !== undefined && { maxLength }) }
    const refuseNull = () => {
      described.isNullable = false
      return column
    }
    const same = () => column
    const column = {
      described,
      notNull: refuseNull,
      primaryKey: refuseNull,
      references: same,
      $type: same,
      default: same,
    }
    return column
  }
}

type Column = ReturnType<ReturnType<typeof describe>>

function describeTables(): ReadonlyMap<string, readonly ArchiveColumn[]> {
  const tables = new Map<string, readonly ArchiveColumn[]>()
  const kit = {
    table(name: string, columns: Readonly<Record<string, Column>>) {
      tables.set(
        name,
        Object.values(columns).map(({ described }) => described),
      )
    },
    id: describe('id'),
    text: describe('text'),
    json: describe('document'),
    instant: describe('time'),
    flag: describe('flag'),
    count: describe('count'),
  }
  // A kit that notes what it is asked for, and makes no tables of drizzle's: what the schema does with them is left out.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  defineTables(kit as unknown as ColumnKit)
  return tables
}

/** The columns of the schema's tables, by the tables' names. */
export const describedColumns = describeTables()
