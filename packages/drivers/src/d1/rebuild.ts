import { plain } from '@millrace/db/dialects/plain'
import type { Statement } from '@millrace/db/sql/statement'

interface Rewritten {
  readonly statements: readonly Statement[]
  /** Where the result of the given statement of that position is found. */
  readonly resultOf: (position: number) => number
}

const created = /^\s*create\s+table\s+[`"]?(\w+)[`"]?\s*\(/i
const renamed = /^\s*alter\s+table\s+[`"]?(\w+)[`"]?\s+rename\s+to\s+[`"]?(\w+)[`"]?\s*;?\s*$/i

/**
 * A batch that makes a table anew, as D1 can run it. D1 never switches foreign keys off: within `defer_foreign_keys` it
 * counts the references that a dropped table leaves dangling, and a new table that is only renamed to the old name would
 * not lower the count (https://www.sqlite.org/foreignkeys.html#fk_schemacommands). Rows that are inserted under that name
 * do: so the table is created under it, and filled from the one that would have been renamed.
 */
export function inPlaceOfRenaming(writes: readonly Statement[]): Rewritten {
  const statements: Statement[] = [plain('pragma defer_foreign_keys = on')]
  const starts: number[] = []
  const creations = new Map<string, string>()
  for (const write of writes) {
    starts.push(statements.length)
    const creation = created.exec(write.text)?.[1]
    if (creation !== undefined) creations.set(creation, write.text)
    const [, from = '', to = ''] = renamed.exec(write.text) ?? []
    const made = creations.get(from)
    if (made === undefined) statements.push(write)
    else statements.push(...filledAnew(from, to, made))
  }
  return { statements, resultOf: (position) => starts[position] ?? -1 }
}

function filledAnew(from: string, to: string, creation: string): readonly Statement[] {
  return [
    plain(creation.replace(created, `create table \`${to}\` (`).replaceAll(`\`${from}\``, `\`${to}\``)),
    // With the condition: without one SQLite copies pages, and looks at no reference (xferOptimization in its insert.c).
    plain(`insert into \`${to}\` select * from \`${from}\` where true`),
    plain(`drop table \`${from}\``),
  ]
}
