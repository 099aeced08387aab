import { encodeText } from '../document/encoding.ts'
import { JsonScanner } from '../document/scanner.ts'
import type { DialectName } from '../sql/dialect.ts'
import { schemaNumber } from '../schema/known-migrations.ts'
import { ArchiveError, damaged, notArchive } from './archive-error.ts'
import type { TableDigests } from './digest.ts'
import type { ArchiveEntry } from './row.ts'
import { createSha256 } from './sha256.ts'
import { archiveTables, type ArchiveTable, type ArchiveTableName } from './tables.ts'

/** The archive's format, as its first line names it. */
export const formatNumber = 1

/** `snapshot`: one moment; `table`: each table by itself, where a platform ends a transaction too early. */
export type Consistency = 'snapshot' | 'table'

export interface ArchiveHead {
  readonly createdAt: string
  readonly source: { readonly dialect: DialectName; readonly schema: number }
  readonly consistency: Consistency
}

/** What an archive's line can be; a row's values are still unchecked. */
export type ArchiveLine =
  | {
      readonly kind: 'row'
      readonly table: string
      readonly values: Readonly<Record<string, unknown>>
      readonly text: string
    }
  | { readonly kind: 'end'; readonly tables: unknown }

export function writeHead({ createdAt, source, consistency }: ArchiveHead): string {
  return `${JSON.stringify({ millrace: formatNumber, createdAt, source, consistency })}\n`
}

export function writeRow(table: ArchiveTable, { text }: ArchiveEntry): string {
  return `{"t":"${table.name}","r":${text}}\n`
}

export function writeEnd(tables: TableDigests): string {
  return `${JSON.stringify({ end: true, tables })}\n`
}

/** @throws ArchiveError when the line is no head, or one of a newer format or schema. */
export function readHead(line: string): ArchiveHead {
  refuseForeign(line)
  const head = readObject(line, 1)
  refuseDuplicates(line, 1)
  const { millrace: format } = head
  if (typeof format !== 'number' || !Number.isSafeInteger(format) || format < 1)
    throw damaged(1, 'this is not the head of an archive')
  if (format > formatNumber) {
    throw newer(
      `its format is ${format}, this version of millrace reads ${formatNumber}: use a version that knows format ${format}`,
    )
  }
  const { createdAt, source, consistency } = head
  refuseOthers(head, ['millrace', 'createdAt', 'source', 'consistency'], 1)
  if (typeof createdAt !== 'string' || !isInstant(createdAt)) throw damaged(1, 'createdAt is not a time')
  if (consistency !== 'snapshot' && consistency !== 'table')
    throw damaged(1, 'consistency is neither snapshot nor table')
  return { createdAt, source: readSource(source), consistency }
}

/** What has nothing of any of an archive's lines is a file of another kind. */
function refuseForeign(line: string): void {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    if (line !== '') throw notArchive('its first line is not JSON')
  }
  const isOurs = value === undefined || (isObject(value) && ['millrace', 't', 'end'].some((name) => name in value))
  if (!isOurs) throw notArchive('its first line is not the head of an archive')
}

function readSource(source: unknown): ArchiveHead['source'] {
  if (!isObject(source)) throw damaged(1, 'source is not an object')
  refuseOthers(source, ['dialect', 'schema'], 1)
  const { dialect, schema } = source
  if (dialect !== 'sqlite' && dialect !== 'postgres' && dialect !== 'mysql')
    throw damaged(1, 'source.dialect is unknown')
  if (typeof schema !== 'number' || !Number.isSafeInteger(schema) || schema < 1)
    throw damaged(1, 'source.schema is not the number of a schema')
  if (schema > schemaNumber) {
    throw newer(
      `its schema is ${schema}, this version of millrace knows ${schemaNumber}: use the version that has migration ${schema}`,
    )
  }
  return { dialect, schema }
}

function newer(what: string): ArchiveError {
  return new ArchiveError('newer', [{ line: 1, what }])
}

/** Reads a line behind the first. `number` is its own, from 1. */
export function readLine(line: string, number: number): ArchiveLine {
  const read = readObject(line, number)
  if ('end' in read) {
    refuseDuplicates(line, number)
    refuseOthers(read, ['end', 'tables'], number)
    if (read['end'] !== true) throw damaged(number, '`end` is not true')
    return { kind: 'end', tables: read['tables'] }
  }
  const { t: table, r: values } = read
  if (typeof table !== 'string' || !isObject(values)) throw damaged(number, 'the line is neither a row nor the end')
  refuseOthers(read, ['t', 'r'], number)
  return { kind: 'row', table, values, text: line }
}

/** The digests that the last line tells, one for each table; of those that its schema had not, that of no rows. */
export function readEnd(tables: unknown, line: number, schema: number): TableDigests {
  if (!isObject(tables)) throw damaged(line, '`tables` is not an object')
  const isKnown = ({ since }: ArchiveTable) => since <= schema
  refuseOthers(
    tables,
    archiveTables.filter(isKnown).map(({ name }) => name),
    line,
  )
  const entries = archiveTables.map((table) => [
    table.name,
    isKnown(table) ? readDigest(tables[table.name], table.name, line) : emptyDigest,
  ])
  // One entry for each of the names that the type lists.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.fromEntries(entries) as TableDigests
}

const emptyDigest: TableDigests[ArchiveTableName] = { rows: 0, sha256: createSha256().hex() }

function readDigest(digest: unknown, table: ArchiveTableName, line: number) {
  const { rows, sha256 } = isObject(digest) ? digest : {}
  const isRight = typeof rows === 'number' && Number.isSafeInteger(rows) && rows >= 0 && typeof sha256 === 'string'
  if (!isRight || !isObject(digest) || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new ArchiveError('damaged', [{ line, table, what: 'its count and digest are missing or malformed' }])
  }
  refuseOthers(digest, ['rows', 'sha256'], line)
  return { rows, sha256 }
}

function readObject(line: string, number: number): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw damaged(number, line === '' ? 'the line is empty' : 'the line is not JSON')
  }
  if (!isObject(value)) throw damaged(number, 'the line is no JSON object')
  return value
}

/** @throws ArchiveError when the text has a member twice, of which JSON.parse kept but one. */
export function refuseDuplicates(line: string, number: number): void {
  const encoded = encodeText(line)
  if (typeof encoded === 'string') throw damaged(number, encoded)
  const scanner = new JsonScanner(encoded)
  scanner.tokens.skipWhiteSpace()
  const problem = scanner.value('', { mayHoldSecrets: true, isBody: false })?.problems[0]
  if (problem !== undefined) throw damaged(number, `${problem.pointer} ${problem.message}`)
}

function refuseOthers(object: object, known: readonly string[], line: number): void {
  const other = Object.keys(object).find((name) => !known.includes(name))
  if (other !== undefined) throw damaged(line, `unknown member ${JSON.stringify(other.slice(0, 64))}`)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const instantShape = /^[1-9]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/

/** Whether a text is a moment of the years 1000 to 9999 in the archive's form, which every database can hold. */
export function isInstant(text: string): boolean {
  if (!instantShape.test(text)) return false
  // Every month has 28 days; of those behind, the calendar says which there are.
  return (text[8] ?? '') < '2' || text.slice(8, 10) <= '28' || new Date(text).toJSON() === text
}
