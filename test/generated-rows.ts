import type { DialectName } from './dialects.ts'

/** SQL by which a database makes many rows by itself, in one statement: `insert … select … from ${numbers(1, n)}`. */
export interface GeneratedRows {
  /** A table of the numbers from one to another, as the column `i`. */
  readonly numbers: (from: number, to: number) => string
  /** A moment, in milliseconds since 1970. */
  readonly literal: (milliseconds: number) => string
  /** So many seconds after a moment; the seconds are an expression. */
  readonly moment: (milliseconds: number, seconds: string) => string
  /** A text and a number behind it; the number is an expression. */
  readonly text: (prefix: string, number: string) => string
  /** Makes the planner know these tables, and the others where that is one statement. */
  readonly analyze: (tables: readonly string[]) => string
}

export const generatedRows: Readonly<Record<DialectName, GeneratedRows>> = {
  sqlite: {
    numbers: (from, to) =>
      `(with recursive s(i) as (select ${from} union all select i + 1 from s where i < ${to}) select i from s) s`,
    literal: String,
    moment: (milliseconds, seconds) => `${milliseconds} + (${seconds}) * 1000`,
    text: (prefix, number) => `'${prefix}' || (${number})`,
    analyze: () => 'analyze',
  },
  postgres: {
    numbers: (from, to) => `generate_series(${from}::bigint, ${to}) as s(i)`,
    literal: (milliseconds) => `timestamptz '${written(milliseconds)}+00'`,
    moment: (milliseconds, seconds) => `timestamptz '${written(milliseconds)}+00' + (${seconds}) * interval '1 second'`,
    text: (prefix, number) => `'${prefix}' || (${number})`,
    analyze: () => 'analyze',
  },
  mysql: {
    numbers: (from, to) => `(select seq as i from seq_${from}_to_${to}) s`,
    literal: (milliseconds) => `timestamp '${written(milliseconds)}'`,
    moment: (milliseconds, seconds) => `timestamp '${written(milliseconds)}' + interval (${seconds}) second`,
    text: (prefix, number) => `concat('${prefix}', ${number})`,
    analyze: (tables) => `analyze table ${tables.join(', ')}`,
  },
}

function written(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('T', ' ').replace('Z', '')
}
