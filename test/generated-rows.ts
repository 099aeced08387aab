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
    // Of digits: MySQL counts no further than a thousand by a recursion, and has no table of numbers as MariaDB has.
    numbers: (from, to) => `(${numbersOfDigits(from, to)}) s`,
    literal: (milliseconds) => `timestamp '${written(milliseconds)}'`,
    moment: (milliseconds, seconds) => `timestamp '${written(milliseconds)}' + interval (${seconds}) second`,
    text: (prefix, number) => `concat('${prefix}', ${number})`,
    analyze: (tables) => `analyze table ${tables.join(', ')}`,
  },
}

function numbersOfDigits(from: number, to: number): string {
  const digits = Array.from({ length: String(to - from).length }, (_digit, power) => power)
  const tens = Array.from({ length: 10 }, (_digit, digit) => `select ${digit} as n`).join(' union all ')
  const sum = digits.map((power) => `d${power}.n * ${10 ** power}`).join(' + ')
  const tables = digits.map((power) => `(${tens}) d${power}`).join(' cross join ')
  return `select i from (select ${from} + ${sum} as i from ${tables}) t where i <= ${to} order by i`
}

function written(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('T', ' ').replace('Z', '')
}
