import type { ArchiveRow, ArchiveValue } from './row.ts'
import type { ArchiveTable, ColumnKind } from './tables.ts'

/** Before a row's fields: a letter, the length of what follows it, and how many fields there are. */
const headBytes = 7
const lengthBytes = 4

/** Of an encoded row: where its message ends. */
export function endOfRow(bytes: Uint8Array, at: number): number {
  return at + 1 + int32At(bytes, at + 1)
}

export function int32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
}

/** The integer of eight bytes, exact where it is safe; what isn't safe stays so. */
export function int64At(bytes: Uint8Array, at: number): number {
  return int32At(bytes, at) * 0x1_0000_0000 + (int32At(bytes, at + 4) >>> 0)
}

/** Where the fields of one encoded row are. */
export class EncodedFields {
  bytes: Uint8Array = new Uint8Array()
  /** The first byte of each field. */
  readonly starts: Int32Array
  /** -1 for null. */
  readonly lengths: Int32Array

  constructor(columns: number) {
    this.starts = new Int32Array(columns)
    this.lengths = new Int32Array(columns)
  }

  /**
   * Looks for the fields of the row that begins there.
   * @returns whether there are as many as there should be, and nothing else
   */
  find(bytes: Uint8Array, at: number): boolean {
    const { starts, lengths } = this
    const end = endOfRow(bytes, at)
    let place = at + headBytes
    this.bytes = bytes
    if (end > bytes.length || (int32At(bytes, at + 3) & 0xffff) !== starts.length) return false
    let column = 0
    for (; column < starts.length && place < end; column += 1) {
      const length = int32At(bytes, place)
      place += lengthBytes
      starts[column] = place
      lengths[column] = length
      if (length > 0) place += length
    }
    return column === starts.length && place === end
  }
}

/** 2000-01-01, from which times count. */
const epochMilliseconds = 946_684_800_000n
/** `infinity` and `-infinity`. */
const infinities = new Map([
  [2n ** 63n - 1n, 'infinity'],
  [-(2n ** 63n), '-infinity'],
])
/** What `Date` holds. */
const mostMilliseconds = 8_640_000_000_000_000n
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A row of its fields. What an archive can't hold becomes what is refused, never another value. */
export function decodeRow({ columns }: ArchiveTable, fields: EncodedFields): ArchiveRow {
  const view = new DataView(fields.bytes.buffer, fields.bytes.byteOffset, fields.bytes.byteLength)
  const values = columns.map(({ name, kind }, column) => {
    const [start = 0, length = -1] = [fields.starts[column], fields.lengths[column]]
    return [name, length < 0 ? null : decodeValue(kind, view, start, length)] as const
  })
  return Object.fromEntries(values)
}

function decodeValue(kind: ColumnKind, view: DataView, start: number, length: number): ArchiveValue {
  switch (kind) {
    case 'flag':
      return view.getUint8(start) !== 0
    case 'count':
      return countOf(view.getBigInt64(start))
    case 'time':
      return timeOf(view.getBigInt64(start))
    case 'id':
    case 'text':
    case 'document':
      return textOf(new Uint8Array(view.buffer, view.byteOffset + start, length))
  }
}

function countOf(value: bigint): number | string {
  const count = Number(value)
  return Number.isSafeInteger(count) ? count : String(value)
}

function timeOf(microseconds: bigint): string {
  const infinity = infinities.get(microseconds)
  if (infinity !== undefined) return infinity
  const rest = ((microseconds % 1000n) + 1000n) % 1000n
  const milliseconds = (microseconds - rest) / 1000n + epochMilliseconds
  if (milliseconds > mostMilliseconds || milliseconds < -mostMilliseconds) return `${microseconds} microseconds`
  const iso = new Date(Number(milliseconds)).toISOString()
  return rest === 0n ? iso : `${iso.slice(0, -1)}${String(rest).padStart(3, '0')}Z`
}

/** A database whose encoding is none may hold bytes that are no text. */
function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return '\u0000'
  }
}
