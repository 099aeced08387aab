import { endOfRow, EncodedFields, int64At } from './encoded-fields.ts'
import { EncodedLines } from './encoded-lines.ts'
import type { References } from './references.ts'
import { LinesDigest } from './digest.ts'
import type { DigestedLines, EncodedForm } from './row.ts'
import type { ArchiveTable } from './tables.ts'

/** Says whether a row is right in its relations to others, and takes note of it. */
export type EncodedJudge = (fields: EncodedFields) => boolean

/**
 * Checks encoded rows of one table from their bytes, as `faultOfValue` and `RowWatch` check values, and writes their lines.
 * It tells only rows that are right in every way; what is wrong with another, if anything is, is for them to say.
 */
export class EncodedCheck {
  readonly #fields: EncodedFields
  readonly #lines: EncodedLines
  readonly #judge: EncodedJudge
  readonly #digest = new LinesDigest()
  readonly #textKey: number
  /** -1 where the key has no second column. */
  readonly #numberKey: number
  #lastText: Uint8Array = new Uint8Array()
  #lastStart = 0
  #lastLength = -1
  #lastNumber = 0

  private constructor(table: ArchiveTable, lines: EncodedLines, judge: EncodedJudge) {
    const [textKey = -1, numberKey = -1] = table.key.map((name) => placeOf(table, name))
    this.#fields = new EncodedFields(table.columns.length)
    this.#lines = lines
    this.#judge = judge
    this.#textKey = textKey
    this.#numberKey = numberKey
  }

  /** Undefined for a table whose rows are judged by values. */
  static of(
    table: ArchiveTable,
    { parsed }: Pick<EncodedForm, 'parsed'>,
    references: References,
  ): EncodedCheck | undefined {
    const kinds = table.key.map((name) => table.columns[placeOf(table, name)]?.kind).join()
    const judge = references.encodedJudge(table)
    if (judge === undefined || (kinds !== 'id' && kinds !== 'id,count')) return undefined
    return new EncodedCheck(table, new EncodedLines(table, parsed), judge)
  }

  begin(): void {
    this.#lines.begin()
  }

  /** Digests the lines since `begin`. The page may be overwritten from now on. */
  end(): DigestedLines {
    const end = this.#lastStart + Math.max(0, this.#lastLength)
    // A copy: `slice` of a Buffer is none.
    this.#lastText = new Uint8Array(this.#lastText.subarray(this.#lastStart, end))
    this.#lastStart = 0
    return this.#digest.add(this.#lines.bytes)
  }

  /** Whether the row that begins there is right. */
  passes(bytes: Uint8Array, at: number): boolean {
    const fields = this.#fields
    if (!fields.find(bytes, at)) return false
    const length = this.#lines.write(fields, endOfRow(bytes, at) - at)
    if (length < 0 || !this.#isBehindLast() || !this.#judge(fields)) return false
    this.#lines.keep(length)
    this.#follow()
    return true
  }

  /** Takes a row that was judged by its values. */
  take(bytes: Uint8Array, at: number, text: string): void {
    this.#lines.add(text)
    if (this.#fields.find(bytes, at)) this.#follow()
  }

  #isBehindLast(): boolean {
    const order = this.#compareWithLast()
    return order > 0 || (order === 0 && this.#numberKey >= 0 && this.#number() > this.#lastNumber)
  }

  #compareWithLast(): number {
    const { bytes, starts, lengths } = this.#fields
    const start = starts[this.#textKey] ?? 0
    const length = lengths[this.#textKey] ?? 0
    const both = Math.min(length, this.#lastLength)
    for (let at = 0; at < both; at += 1) {
      const difference = (bytes[start + at] ?? 0) - (this.#lastText[this.#lastStart + at] ?? 0)
      if (difference !== 0) return difference
    }
    return length - this.#lastLength
  }

  #number(): number {
    return int64At(this.#fields.bytes, this.#fields.starts[this.#numberKey] ?? 0)
  }

  #follow(): void {
    const { bytes, starts, lengths } = this.#fields
    this.#lastText = bytes
    this.#lastStart = starts[this.#textKey] ?? 0
    this.#lastLength = lengths[this.#textKey] ?? -1
    if (this.#numberKey >= 0) this.#lastNumber = this.#number()
  }
}

function placeOf({ columns }: ArchiveTable, name: string): number {
  return columns.findIndex((column) => column.name === name)
}
