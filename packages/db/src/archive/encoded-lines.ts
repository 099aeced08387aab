import { int64At, type EncodedFields } from './encoded-fields.ts'
import { isSame } from './kept-texts.ts'
import { isoOf } from '../sql/instants.ts'
import type { ArchiveColumn, ArchiveTable, ColumnKind } from './tables.ts'

/** What of a column decides how its fields are written. */
interface Column {
  readonly kind: ColumnKind
  readonly isNullable: boolean
  /** Whether the database has parsed its documents. */
  readonly isParsed: boolean
  readonly mostBytes: number
  readonly values: readonly Uint8Array[] | undefined
  /** What stands before the value in the row's text. */
  readonly before: Uint8Array
  /** The same with null. */
  readonly beforeNull: Uint8Array
}

const encoder = new TextEncoder()
const quote = 0x22
const backslash = 0x5c
const space = 0x20
const lineFeed = 0x0a
const brace = 0x7d
const firstDigit = 0x30
const colon = 0x3a
const point = 0x2e
const zulu = 0x5a
const [no, yes] = [encoder.encode('false'), encoder.encode('true')]

/** As RFC 8785 and JSON.stringify write a character below the space. */
const escapes = Array.from({ length: space }, (_, code) =>
  encoder.encode(JSON.stringify(String.fromCharCode(code)).slice(1, -1)),
)
const longestEscape = 6

/** Of 2000-01-01, from which times count in microseconds. */
const epochMilliseconds = 946_684_800_000
const dayMilliseconds = 86_400_000

/** More than a number, a time or a flag takes. */
const longestValue = 32

/**
 * Writes encoded rows of a table as the lines that its digest is made of, each value from its bytes: no text or number is made
 * of it. A row is written where all of its values are in order, and of the usual kind; any other is for whoever makes values.
 */
export class EncodedLines {
  readonly #columns: readonly Column[]
  readonly #fixedBytes: number
  #out = new Uint8Array(1024 * 1024)
  #length = 0

  constructor({ columns }: ArchiveTable, parsed: ReadonlySet<string>) {
    this.#columns = columns.map((column, position) => columnOf(column, position, parsed))
    this.#fixedBytes = this.#columns.reduce(
      (sum, { beforeNull }) => sum + beforeNull.length + longestValue,
      longestValue,
    )
  }

  /** The lines since `begin`; they stay until the next one. */
  get bytes(): Uint8Array {
    return this.#out.subarray(0, this.#length)
  }

  begin(): void {
    this.#length = 0
  }

  /** Adds a row whose text was made in another way. */
  add(text: string): void {
    this.#reserve(text.length * 3 + 1)
    const { written } = encoder.encodeInto(text, this.#out.subarray(this.#length))
    this.#out[this.#length + written] = lineFeed
    this.#length += written + 1
  }

  /** @returns how long the lines are with the row's; -1 where it is not written */
  write(fields: EncodedFields, rowBytes: number): number {
    this.#reserve(this.#fixedBytes + rowBytes * longestEscape)
    const out = this.#out
    let at = this.#length
    for (let position = 0; position < this.#columns.length; position += 1) {
      const column = this.#columns[position]
      if (column === undefined) return -1
      const length = fields.lengths[position] ?? -1
      if (length < 0) {
        if (!column.isNullable) return -1
        at = copied(out, at, column.beforeNull)
        continue
      }
      at = writeValue(out, copied(out, at, column.before), column, fields.bytes, fields.starts[position] ?? 0, length)
      if (at < 0) return -1
    }
    out[at] = brace
    out[at + 1] = lineFeed
    return at + 2
  }

  /** Takes the row that was written among the lines. */
  keep(length: number): void {
    this.#length = length
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#out.length) return
    const larger = new Uint8Array((this.#length + bytes) * 2)
    larger.set(this.bytes)
    this.#out = larger
  }
}

function columnOf(column: ArchiveColumn, position: number, parsed: ReadonlySet<string>): Column {
  const { name, kind, isNullable, values, maxLength = Number.POSITIVE_INFINITY } = column
  const before = `${position === 0 ? '{' : ','}${JSON.stringify(name)}:`
  return {
    kind,
    isNullable,
    isParsed: parsed.has(name),
    mostBytes: kind === 'id' ? 64 : maxLength,
    values: values?.map((value) => encoder.encode(value)),
    before: encoder.encode(before),
    beforeNull: encoder.encode(`${before}null`),
  }
}

/** @returns where the value ends; -1 where it is not as most are */
function writeValue(
  out: Uint8Array,
  at: number,
  column: Column,
  bytes: Uint8Array,
  start: number,
  length: number,
): number {
  switch (column.kind) {
    case 'flag':
      return length === 1 ? copied(out, at, bytes[start] === 0 ? no : yes) : -1
    case 'count':
      return length === 8 ? writeCount(out, at, bytes, start) : -1
    case 'time':
      return length === 8 ? writeTime(out, at, bytes, start) : -1
    case 'id':
      return isPlainId(bytes, start, length) ? writePlain(out, at, bytes, start, length) : -1
    case 'document':
      return column.isParsed ? writeText(out, at, bytes, start, length) : -1
    case 'text':
      if (length > column.mostBytes) return -1
      if (column.values === undefined) return writeText(out, at, bytes, start, length)
      return isOneOf(column.values, bytes, start, length) ? writePlain(out, at, bytes, start, length) : -1
  }
}

function copied(out: Uint8Array, to: number, from: Uint8Array): number {
  for (let at = 0; at < from.length; at += 1) out[to + at] = from[at] ?? 0
  return to + from.length
}

function writeCount(out: Uint8Array, to: number, bytes: Uint8Array, start: number): number {
  const value = int64At(bytes, start)
  if (value >= 0 && value < 10) {
    out[to] = firstDigit + value
    return to + 1
  }
  if (value >= 10 && value < 100) {
    writeTwoDigits(out, to, value)
    return to + 2
  }
  return Number.isSafeInteger(value) ? writeAscii(out, to, String(value)) : -1
}

function writeAscii(out: Uint8Array, to: number, text: string): number {
  for (let at = 0; at < text.length; at += 1) out[to + at] = text.charCodeAt(at)
  return to + text.length
}

/** Of the years whose microseconds are safe integers, 1715 to 2285; the rest is for `decodeRow`. */
function writeTime(out: Uint8Array, to: number, bytes: Uint8Array, start: number): number {
  const microseconds = int64At(bytes, start)
  const sinceEpoch = Math.floor(microseconds / 1000)
  if (!Number.isSafeInteger(microseconds) || sinceEpoch * 1000 !== microseconds) return -1
  const milliseconds = sinceEpoch + epochMilliseconds
  const day = Math.floor(milliseconds / dayMilliseconds)
  const at = copied(out, to, dayText(day))
  const ofDay = milliseconds - day * dayMilliseconds
  const seconds = (ofDay / 1000) | 0
  const minutes = (seconds / 60) | 0
  const hours = (minutes / 60) | 0
  writeTwoDigits(out, at, hours)
  out[at + 2] = colon
  writeTwoDigits(out, at + 3, minutes - hours * 60)
  out[at + 5] = colon
  writeTwoDigits(out, at + 6, seconds - minutes * 60)
  const ofSecond = ofDay - seconds * 1000
  const hundreds = (ofSecond / 100) | 0
  out[at + 8] = point
  out[at + 9] = firstDigit + hundreds
  writeTwoDigits(out, at + 10, ofSecond - hundreds * 100)
  out[at + 12] = zulu
  out[at + 13] = quote
  return at + 14
}

function writeTwoDigits(out: Uint8Array, at: number, value: number): void {
  const tens = (value / 10) | 0
  out[at] = firstDigit + tens
  out[at + 1] = firstDigit + value - tens * 10
}

/** Rows that follow each other are mostly of one day: its text is made once. */
let knownDay = Number.NaN
let knownDayText: Uint8Array = new Uint8Array()

/** A quote, the date and `T`. */
function dayText(day: number): Uint8Array {
  if (day === knownDay) return knownDayText
  knownDay = day
  knownDayText = encoder.encode(`"${isoOf(day * dayMilliseconds).slice(0, 11)}`)
  return knownDayText
}

/** As nearly all are: printable ASCII that JSON writes as it is. */
function isPlainId(bytes: Uint8Array, start: number, length: number): boolean {
  if (length === 0 || length > 64 || bytes[start + length - 1] === space) return false
  for (let at = start; at < start + length; at += 1) {
    const byte = bytes[at] ?? 0
    if (byte < space || byte > 0x7e || byte === quote || byte === backslash) return false
  }
  return true
}

function isOneOf(values: readonly Uint8Array[], bytes: Uint8Array, start: number, length: number): boolean {
  for (const value of values) if (isSame(value, bytes, start, length)) return true
  return false
}

function writePlain(out: Uint8Array, to: number, bytes: Uint8Array, start: number, length: number): number {
  out[to] = quote
  for (let at = 0; at < length; at += 1) out[to + 1 + at] = bytes[start + at] ?? 0
  out[to + length + 1] = quote
  return to + length + 2
}

/** A JSON string of UTF-8: what is not ASCII stays as it is. */
function writeText(out: Uint8Array, to: number, bytes: Uint8Array, start: number, length: number): number {
  const end = start + length
  let place = to
  out[place++] = quote
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0
    if (byte < space) {
      // PostgreSQL has none.
      if (byte === 0) return -1
      place = copied(out, place, escapes[byte] ?? escapes[0] ?? out)
      continue
    }
    if (byte === quote || byte === backslash) out[place++] = backslash
    out[place++] = byte
  }
  out[place++] = quote
  return place
}
