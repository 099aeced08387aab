import { ArchiveError, damaged, notArchive, type ArchiveProblem } from './archive-error.ts'
import { RowWatch } from './checked-rows.ts'
import { schemaNumber } from '../schema/known-migrations.ts'
import { differingTables, StreamDigest, TablesDigester, type TableDigests } from './digest.ts'
import { decrypt, introductionBytes, isEncrypted } from './encryption.ts'
import { gunzip } from './gzip.ts'
import { GzipError } from './gzip-error.ts'
import { readEnd, readHead, readLine, type ArchiveHead, type ArchiveLine } from './lines.ts'
import { entryOf, type ArchiveEntry, type RowPage } from './row.ts'
import { tableNamed, tableOfSchema, type ArchiveTable } from './tables.ts'
import { readRow } from './values.ts'

export interface ReadOptions {
  /** Lines `AGE-SECRET-KEY-1…`, tried in turn on an encrypted archive. */
  readonly identities: readonly string[]
  /** How many problems are collected before reading gives up; 1 stops at the first. */
  readonly mostProblems: number
  /** In UTF-16 units; 256 Mi unless given. No row is that long, and a file that claims one is not to fill the memory. */
  readonly longestLine?: number
  /** Told of progress: bytes of the file and rows so far. */
  readonly onProgress?: ((progress: { readonly bytes: number; readonly rows: number }) => void) | undefined
}

/** An archive read to its end and found whole. */
export interface WholeArchive {
  readonly head: ArchiveHead
  readonly isEncrypted: boolean
  /** As the archive tells them. */
  readonly tables: TableDigests
  /** Of the rows as this version's schema has them: the same, but for an archive of an older one. */
  readonly loadedTables: TableDigests
  /** SHA-256 of the archive's plain text: the same for the same content, however it is compressed or encrypted. */
  readonly contentSha256: string
  /** Of the plain text. */
  readonly contentBytes: number
  /** Of the file. */
  readonly file: { readonly bytes: number; readonly sha256: string }
}

/** What reading gives on the way: its head first, then rows. Nothing of it is to be trusted before the end. */
export interface ArchiveReading {
  readonly head: ArchiveHead
  readonly isEncrypted: boolean
  /** @throws ArchiveError */
  readonly pages: AsyncGenerator<RowPage, WholeArchive>
}

/** Rows of a page that the reader gives: bounded by text, so that documents of any size keep memory constant. */
const pageRows = 500
const pageCharacters = 512 * 1024

/**
 * Opens an archive: decrypts, decompresses and reads its head.
 * @throws ArchiveError
 */
export async function openArchive(file: ReadableStream<Uint8Array>, options: ReadOptions): Promise<ArchiveReading> {
  const metered = new MeteredFile(file)
  const beginning = await metered.peek(introductionBytes)
  const isAge = isEncrypted(beginning)
  if (!isAge && !isGzip(beginning)) throw notArchive('it begins neither as gzip nor as age does')
  const content = isAge ? chunksOf(await decrypt(metered.stream(), options.identities)) : metered.chunks()
  const lines = new ArchiveLines(content, options.longestLine)
  const first = await lines.next()
  if (first === undefined) throw damaged(1, 'the archive is empty')
  const head = readHead(first)
  return { head, isEncrypted: isAge, pages: new Reader(lines, metered, { head, isEncrypted: isAge }, options).pages() }
}

/** Every gzip member begins with these two bytes (RFC 1952); so may what is too short to have both. */
function isGzip([first, second]: Uint8Array): boolean {
  return first === undefined || (first === 0x1f && (second === undefined || second === 0x8b))
}

type Opened = Pick<WholeArchive, 'head' | 'isEncrypted'>

class Reader {
  readonly #lines: ArchiveLines
  readonly #file: MeteredFile
  readonly #opened: Opened
  readonly #options: ReadOptions
  readonly #watch = new RowWatch()
  /** Of the rows as they stand in an archive of an older schema. */
  readonly #stored: TablesDigester | undefined
  readonly #problems: ArchiveProblem[] = []
  #rows = 0

  constructor(lines: ArchiveLines, file: MeteredFile, opened: Opened, options: ReadOptions) {
    this.#lines = lines
    this.#file = file
    this.#opened = opened
    this.#options = options
    this.#stored = opened.head.source.schema < schemaNumber ? new TablesDigester() : undefined
  }

  async *pages(): AsyncGenerator<RowPage, WholeArchive> {
    let table: ArchiveTable | undefined
    let entries: ArchiveEntry[] = []
    let stored: ArchiveEntry[] = []
    let characters = 0
    for (;;) {
      const line = await this.#nextLine()
      const row = line.kind === 'row' ? this.#row(line) : undefined
      const isFull = entries.length >= pageRows || characters >= pageCharacters
      if (table !== undefined && entries.length > 0 && (line.kind === 'end' || isFull || row?.table !== table)) {
        this.#stored?.add({ table, entries: stored })
        yield this.#page({ table, entries })
        entries = []
        stored = []
        characters = 0
      }
      if (line.kind === 'end') return this.#end(line)
      if (row === undefined) continue
      table = row.table
      entries.push(row.entry)
      if (this.#stored !== undefined) stored.push(row.stored)
      characters += row.entry.text.length
    }
  }

  async #nextLine(): Promise<ArchiveLine> {
    const text = await this.#guarded(() => this.#lines.next())
    const { number } = this.#lines
    if (text === undefined) throw this.#broken(damaged(number + 1, 'the archive ends without its last line'))
    return this.#guarded(() => Promise.resolve(readLine(text, number)))
  }

  /** Where reading can't go on, what was found before is told too. */
  async #guarded<Result>(read: () => Promise<Result>): Promise<Result> {
    try {
      return await read()
    } catch (thrown) {
      throw thrown instanceof ArchiveError ? this.#broken(thrown) : thrown
    }
  }

  #broken(error: ArchiveError): ArchiveError {
    const [first, ...others] = [...this.#problems, ...error.problems]
    return first === undefined ? error : new ArchiveError(error.fault, [first, ...others])
  }

  #row({ table: name, values, text }: Extract<ArchiveLine, { kind: 'row' }>) {
    const { number } = this.#lines
    const table = tableNamed(name)
    const ofSchema = tableOfSchema(name, this.#opened.head.source.schema)
    if (table === undefined || ofSchema === undefined) {
      this.#note({ line: number, what: `unknown table ${JSON.stringify(name.slice(0, 64))}` })
      return undefined
    }
    const read = readRow(ofSchema, values, { text, number })
    const entry = 'faults' in read || ofSchema === table ? undefined : broughtUp(table, read.entry)
    const faults = 'faults' in read ? read.faults : this.#watch.faultsOf(table, entry ?? read.entry)
    for (const what of faults) this.#note({ line: number, table: table.name, what })
    for (const what of this.#watch.wrongHeads(false)) this.#note({ line: number, table: 'workflow_versions', what })
    return 'faults' in read ? undefined : { table, entry: entry ?? read.entry, stored: read.entry }
  }

  #page(page: RowPage): RowPage {
    this.#watch.digest(page)
    this.#rows += page.entries.length
    this.#options.onProgress?.({ bytes: this.#file.bytes, rows: this.#rows })
    return page
  }

  async #end({ tables }: Extract<ArchiveLine, { kind: 'end' }>): Promise<WholeArchive> {
    const { number } = this.#lines
    for (const what of this.#watch.wrongHeads(true)) this.#note({ line: number, table: 'workflow_versions', what })
    const loadedTables = this.#watch.finish()
    const found = this.#stored?.finish() ?? loadedTables
    const { schema } = this.#opened.head.source
    this.#compare(await this.#guarded(() => Promise.resolve(readEnd(tables, number, schema))), found)
    if ((await this.#guarded(() => this.#lines.next())) !== undefined) {
      throw this.#broken(damaged(this.#lines.number, 'there is a line behind the last one'))
    }
    const [first, ...others] = this.#problems
    if (first !== undefined) throw new ArchiveError('damaged', [first, ...others])
    const { bytes: contentBytes, sha256: contentSha256 } = this.#lines.finish()
    return { ...this.#opened, tables: found, loadedTables, contentSha256, contentBytes, file: this.#file.finish() }
  }

  #compare(told: TableDigests, found: TableDigests): void {
    const { number: line } = this.#lines
    for (const table of differingTables(told, found)) {
      const { rows } = found[table]
      const what =
        rows === told[table].rows
          ? 'its digest is another than the last line says'
          : `it has ${rows} rows, the last line says ${told[table].rows}`
      this.#note({ line, table, what })
    }
  }

  #note(problem: ArchiveProblem): void {
    this.#problems.push(problem)
    const [first, ...others] = this.#problems
    if (first !== undefined && this.#problems.length >= this.#options.mostProblems) {
      throw new ArchiveError('damaged', [first, ...others])
    }
  }
}

/** A row of an older schema as this one has it: what it did not know is null. */
function broughtUp({ columns }: ArchiveTable, { row }: ArchiveEntry): ArchiveEntry {
  return entryOf(Object.fromEntries(columns.map(({ name }) => [name, row[name] ?? null])))
}

const usualLongestLine = 256 * 1024 * 1024

/** The plain text, line by line. */
class ArchiveLines {
  readonly #content: AsyncGenerator<Uint8Array>
  readonly #longestLine: number
  readonly #digest = new StreamDigest()
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  #ready: string[] = []
  #position = 0
  #rest = ''
  #isAtEnd = false
  /** Number of the line given last. */
  number = 0

  constructor(content: AsyncIterable<Uint8Array>, longestLine = usualLongestLine) {
    this.#content = gunzip(content)
    this.#longestLine = longestLine
  }

  /** The next line without its end; undefined behind the last. */
  async next(): Promise<string | undefined> {
    while (this.#position >= this.#ready.length) {
      if (this.#isAtEnd) return undefined
      await this.#readMore()
    }
    const line = this.#ready[this.#position]
    this.#position += 1
    this.number += 1
    return line
  }

  finish(): { readonly bytes: number; readonly sha256: string } {
    return this.#digest.finish()
  }

  async #readMore(): Promise<void> {
    try {
      const next = await this.#content.next()
      this.#isAtEnd = next.done === true
      if (next.done === true) this.#split(this.#utf8.decode())
      else {
        this.#digest.add(next.value)
        this.#split(this.#utf8.decode(next.value, { stream: true }))
      }
      if (this.#isAtEnd && this.#rest !== '') this.#ready.push(this.#rest)
    } catch (thrown) {
      throw this.#readFailure(thrown)
    }
  }

  #split(text: string): void {
    const lines = text.split('\n')
    const last = lines.pop() ?? ''
    const [first] = lines
    if (first === undefined) {
      this.#rest += last
      if (this.#rest.length > this.#longestLine)
        throw damaged(this.number + 1, `the line has more than ${this.#longestLine} characters`)
      this.#ready = []
    } else {
      lines[0] = this.#rest + first
      this.#rest = last
      this.#ready = lines
    }
    this.#position = 0
  }

  /** Whatever gzip, age or UTF-8 refuse is damage at the line that can't be read; a file that can't be read is not. */
  #readFailure(thrown: unknown): unknown {
    const line = this.number + 1
    if (thrown instanceof GzipError) return damaged(line, thrown.message)
    if (thrown instanceof DecryptionError) return damaged(line, `age can't decrypt it: ${thrown.message}`)
    if (thrown instanceof TypeError && /encod|utf-8/i.test(thrown.message))
      return damaged(line, 'the text is not UTF-8')
    return thrown
  }
}

class DecryptionError extends Error {
  override readonly name = 'DecryptionError'
}

/** Damage in an age file is any error of its stream but one of the file's own. */
async function* chunksOf(decrypted: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = decrypted.getReader()
  for (;;) {
    const next = await readDecrypted(reader)
    if (next.done) return
    yield next.value
  }
}

async function readDecrypted(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read()
  } catch (thrown) {
    if (thrown instanceof FileReadError) throw thrown.cause
    throw new DecryptionError(thrown instanceof Error ? thrown.message : String(thrown))
  }
}

class FileReadError extends Error {
  override readonly name = 'FileReadError'
}

/** The file's bytes, counted and digested as they pass. */
class MeteredFile {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #digest = new StreamDigest()
  #held: Uint8Array = new Uint8Array()
  bytes = 0

  constructor(file: ReadableStream<Uint8Array>) {
    this.#reader = file.getReader()
  }

  /** The first bytes, at most `length`, which are read again. */
  async peek(length: number): Promise<Uint8Array> {
    while (this.#held.byteLength < length) {
      const { done: isDone, value } = await this.#reader.read()
      if (isDone) break
      const joined = new Uint8Array(this.#held.byteLength + value.byteLength)
      joined.set(this.#held)
      joined.set(value, this.#held.byteLength)
      this.#held = joined
    }
    return this.#held.subarray(0, length)
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) yield chunk
  }

  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        try {
          const chunk = await this.#next()
          if (chunk === undefined) controller.close()
          else controller.enqueue(chunk)
        } catch (thrown) {
          controller.error(new FileReadError('the file cannot be read', { cause: thrown }))
        }
      },
    })
  }

  finish(): { readonly bytes: number; readonly sha256: string } {
    return this.#digest.finish()
  }

  async #next(): Promise<Uint8Array | undefined> {
    const chunk = this.#held.byteLength > 0 ? this.#held : (await this.#reader.read()).value
    this.#held = new Uint8Array()
    if (chunk === undefined) return undefined
    this.#digest.add(chunk)
    this.bytes += chunk.byteLength
    return chunk
  }
}
