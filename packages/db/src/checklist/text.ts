import { toolsOf } from '../dialects/tools.ts'
import type { Drift } from '../migrate/drift.ts'
import type { InspectionDialect } from './inspection.ts'
import type { Transport } from '../sql/transport.ts'
import type { ServerFacts } from './connection.ts'
import { fail, ok, withSql, type Finding } from './finding.ts'
import { readTexts } from './subject.ts'

/** `charset`: of the database or connection, and of each column. */
export function checkCharset(
  { encoding }: ServerFacts,
  { encoding: wanted, encodingFix }: InspectionDialect,
  drift: readonly Drift[],
): readonly Finding[] {
  const columns = drift.filter(({ kind }) => kind === 'charset').map((found) => columnFinding('charset', found))
  if (encoding !== wanted) {
    columns.unshift(fail('charset', `The encoding is ${encoding} instead of ${wanted}.`, encodingFix))
  }
  return columns.length > 0 ? columns : [ok('charset', `Text is ${wanted}.`)]
}

/** `collation`: ids, names and unique keys compare by bytes. */
export async function checkCollation(
  transport: Transport,
  { strangeCollations }: InspectionDialect,
  drift: readonly Drift[],
): Promise<readonly Finding[]> {
  const rows = strangeCollations === undefined ? [] : await readTexts(transport, strangeCollations)
  const { expected } = toolsOf(transport.dialect).catalogue
  const strange = rows
    .filter(([table = '']) => expected.has(table))
    .map(([table, column, collation]) =>
      fail(
        'collation',
        `The column ${table}.${column} compares by ${(collation ?? '').toUpperCase()} instead of by bytes.`,
        'SQLite cannot change a column: create a new file with `millrace migrate`, and move the rows with `millrace copy`.',
      ),
    )
  const columns = drift.filter(({ kind }) => kind === 'collation').map((found) => columnFinding('collation', found))
  const findings = [...columns, ...strange]
  return findings.length > 0 ? findings : [ok('collation', 'Ids and names compare by bytes.')]
}

function columnFinding(id: 'charset' | 'collation', { message, sql }: Drift): Finding {
  return withSql(fail(id, message, 'Run the statement in `sql`, at a quiet time: it rewrites the table.'), sql)
}
