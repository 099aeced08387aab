import { checkDocument } from '../../document/index.ts'
import { isBytes, type Cell } from './cell.ts'
import type { Cells } from './foreign-rows.ts'
import type { ForeignTable } from './foreign-schema.ts'
import { bitOf, type RefusalReason } from './reasons.ts'
import { readTime, type ReadTime } from './times.ts'

/** What a value is filled with where the source has none, so that it can be told how often. */
export type Filling = 'flag' | 'created_at' | 'updated_at'

export interface ReadingOptions {
  /** The time of adoption. */
  readonly at: string
  /** Whether the row was checked before, so that its documents need not be again. */
  readonly isChecked: boolean
  /** Told of each value that was filled in. */
  readonly onFilled: (column: string, filling: Filling) => void
}

interface TextRules {
  /** In code points. */
  readonly most: number
}

const longestId = 64
const neverIds: ReadonlySet<string> = new Set(['.', '..', 'batch', 'claim'])

/** Gives a foreign row's values as the archive has them, and gathers what is wrong with them. */
export class RowReading {
  readonly #positions: ReadonlyMap<string, number>
  readonly #cells: Cells
  readonly #options: ReadingOptions
  #reasons = 0

  constructor({ columns }: ForeignTable, cells: Cells, options: ReadingOptions) {
    this.#positions = new Map(columns.map(({ name }, at) => [name, at]))
    this.#cells = cells
    this.#options = options
  }

  get at(): string {
    return this.#options.at
  }

  get isChecked(): boolean {
    return this.#options.isChecked
  }

  /** A mask of reasons; 0 while nothing is wrong. */
  get reasons(): number {
    return this.#reasons
  }

  refuse(reason: RefusalReason): void {
    this.#reasons |= bitOf(reason)
  }

  has(name: string): boolean {
    return this.#positions.has(name)
  }

  cell(name: string): Cell {
    const position = this.#positions.get(name)
    return position === undefined ? null : (this.#cells[position] ?? null)
  }

  /** The row's own key. */
  id(name: string): string | null {
    const id = this.reference(name)
    if (id === null) {
      this.refuse('null_required')
      return null
    }
    if (id === '' || id.endsWith(' ') || id.startsWith(oddMark) || neverIds.has(id)) this.refuse('invalid_id')
    else if (isLonger(id, longestId)) this.refuse('too_long')
    return id
  }

  /** A key of another row, whatever it looks like: that row is there, or it isn't. */
  reference(name: string): string | null {
    const cell = this.cell(name)
    if (cell === null) return null
    const text = isBytes(cell) ? `${oddMark}${cell.$base64}` : String(cell)
    return text.includes('\u0000') ? `${oddMark}${JSON.stringify(text)}` : text
  }

  requiredReference(name: string): string | null {
    const id = this.reference(name)
    if (id === null) this.refuse('null_required')
    return id
  }

  text(name: string, rules: TextRules): string | null {
    const cell = this.cell(name)
    if (cell === null) return null
    const text = isBytes(cell) ? '\u0000' : String(cell)
    if (text.includes('\u0000')) {
      this.refuse('invalid_document')
      return ''
    }
    if (isLonger(text, rules.most)) this.refuse('too_long')
    return text
  }

  requiredText(name: string, rules: TextRules): string {
    const text = this.text(name, rules)
    if (text === null) this.refuse('null_required')
    return text ?? ''
  }

  /** A document's exact text. */
  document(name: string, isFit: (text: string) => boolean = () => true): string | null {
    const cell = this.cell(name)
    if (cell === null) return null
    const text = isBytes(cell) ? '' : String(cell)
    if (this.isChecked) return text
    // Members named `$secret` are no trouble to any database; of settings they are judged apart.
    const checked = checkDocument(text, { mayHoldSecrets: true })
    if (!checked.ok || !isFit(checked.text)) this.refuse('invalid_document')
    return text
  }

  /** A document that is an object, and fit for what else it is to be. */
  requiredObject(name: string, isFit: (text: string) => boolean = () => true): string {
    const text = this.document(name, (document) => document.startsWith('{') && isFit(document))
    if (text === null) this.refuse('null_required')
    return text ?? ''
  }

  time(name: string): ReadTime | null {
    const cell = this.cell(name)
    if (cell === null) return null
    const time = typeof cell === 'string' ? readTime(cell) : undefined
    if (time === undefined) this.refuse('invalid_time')
    return time ?? null
  }

  /** `created_at` under its name, where null filled from `updated_at`, else by the time of adoption. */
  created(name = 'created_at'): string {
    const created = this.time(name)
    if (created !== null) return created.instant
    if (this.cell(name) === null) this.#options.onFilled(name, 'created_at')
    return this.time('updated_at')?.instant ?? this.at
  }

  /** `updated_at`, where null filled by `created`. */
  updated(created: string): string {
    const updated = this.time('updated_at')
    if (updated !== null) return updated.instant
    if (this.has('updated_at') && this.cell('updated_at') === null) this.#options.onFilled('updated_at', 'updated_at')
    return created
  }

  /** False where null, or where it can't be told. */
  flag(name: string): boolean {
    const flag = flagOf(this.cell(name))
    if (flag === undefined && this.has(name)) this.#options.onFilled(name, 'flag')
    return flag ?? false
  }

  oneOf(name: string, values: readonly string[], reason: RefusalReason): string {
    const cell = this.cell(name)
    if (cell === null) this.refuse('null_required')
    else if (typeof cell !== 'string' || !values.includes(cell)) this.refuse(reason)
    return typeof cell === 'string' ? cell : ''
  }

  /** A number of a version: part of a key. */
  versionNumber(name: string): number | null {
    const cell = this.cell(name)
    if (cell === null) {
      this.refuse('null_required')
      return null
    }
    const number = typeof cell === 'string' && /^-?\d+$/.test(cell) ? Number(cell) : cell
    // Behind the greatest there would be no next.
    if (typeof number === 'number' && Number.isSafeInteger(number) && number < Number.MAX_SAFE_INTEGER) return number
    this.refuse('invalid_id')
    return null
  }
}

/** Begins keys that no text is: they can be compared, never adopted. */
const oddMark = '\u0001odd '

const yes: ReadonlySet<string> = new Set(['1', 't', 'true', 'y', 'yes', 'on'])
const no: ReadonlySet<string> = new Set(['0', 'f', 'false', 'n', 'no', 'off', ''])

function flagOf(cell: Cell): boolean | undefined {
  if (typeof cell === 'boolean') return cell
  if (typeof cell === 'number') return cell !== 0
  if (typeof cell !== 'string') return undefined
  const word = cell.toLowerCase()
  if (yes.has(word)) return true
  return no.has(word) ? false : undefined
}

/** In code points; the length in code units says it for all but what lies between. */
export function isLonger(text: string, most: number): boolean {
  return text.length > most && (text.length > most * 2 || Array.from(text).length > most)
}
