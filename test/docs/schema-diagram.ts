/** The diagram of all tables in docs/databases.md: `node test/docs/schema-diagram.ts` prints it. */
import { toolsOf } from '@millrace/db/dialects/tools'
import type { ColumnShape, TableShape } from '@millrace/db/migrate/catalogue'
import { postgres } from '@millrace/db/dialects/postgres/dialect'

/** As PostgreSQL has them. The migrator's own table, `migrations`, is not among them. */
const tables = [...toolsOf(postgres).catalogue.expected]

/** Text for Mermaid. */
export function schemaDiagram(): string {
  return ['erDiagram', ...tables.flatMap(relationsOf), ...tables.map(tableText), ''].join('\n')
}

/** `users ||--o{ workflows : owner_id` for each foreign key; `|o` where it may be null. */
function relationsOf([name, { columns, foreignKeys }]: readonly [string, TableShape]): readonly string[] {
  return foreignKeys.map((key) => {
    const isOptional = columns.some((column) => column.isNullable && key.columns.includes(column.name))
    return `    ${key.target} ${isOptional ? '|o' : '||'}--o{ ${name} : ${key.columns.join(', ')}`
  })
}

function tableText([name, table]: readonly [string, TableShape]): string {
  const lines = table.columns.map((column) =>
    `        ${typeOf(column)} ${column.name} ${keysOf(table, column)}`.trimEnd(),
  )
  return [`    ${name} {`, ...lines, '    }'].join('\n')
}

/** Mermaid takes one word for a type. */
function typeOf({ type }: ColumnShape): string {
  return type.split(/[ (]/)[0] ?? ''
}

function keysOf({ primaryKey, foreignKeys, indexes }: TableShape, { name }: ColumnShape): string {
  const isUnique = indexes.some((index) => index.isUnique && index.columns.length === 1 && index.columns[0] === name)
  const keys = [
    primaryKey.includes(name) ? 'PK' : '',
    foreignKeys.some(({ columns }) => columns.includes(name)) ? 'FK' : '',
    isUnique ? 'UK' : '',
  ]
  return keys.filter((key) => key !== '').join(', ')
}

if (process.argv[1] === import.meta.filename) process.stdout.write(schemaDiagram())
