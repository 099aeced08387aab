import { and, eq, isNotNull, isNull, ne, or, sql, type SQL } from 'drizzle-orm'
import { toolsOf } from '../dialects/tools.ts'
import { isAnchor } from '../access/access.ts'
import { readAnchored } from '../store/read-query.ts'
import { insertWhere } from '../store/insert-where.ts'
import { restoreMark } from '../schema/schema.ts'
import { buildStatement, defineQuery } from '../sql/building.ts'
import type { Statement } from '../sql/statement.ts'
import type { Transport } from '../sql/transport.ts'
import { RestoreError } from './restore-error.ts'
import type { ArchiveTableName } from './tables.ts'

/** What a database that is being restored into says of it. */
export interface RestoreMark {
  /** SHA-256 of the archive's content, or what stands for the source of a copy. */
  readonly digest: string
  /** The table that is being written, and how many rows of all are. */
  readonly progress: { readonly table: string | null; readonly rows: number }
  /** False until it is sure that no rows of others are there: until then none of the restore's are either. */
  readonly isBegun: boolean
}

/** What the digest of a mark begins with where rows are copied from a database. */
export const copyMark = 'copy '

/** How to name and to resume what the mark is of. */
export function markWords({ digest }: RestoreMark): { readonly work: 'copy' | 'restore'; readonly resume: string } {
  return digest.startsWith(copyMark)
    ? { work: 'copy', resume: '`millrace copy --from URL --to URL --resume`' }
    : { work: 'restore', resume: '`millrace restore FILE --resume`' }
}

const markQuery = defineQuery<object>()((dialect) => {
  const { marks } = dialect.tables
  return dialect.builder.select({ value: marks.value, owner: marks.owner }).from(marks).where(isAnchor(dialect))
})

/** The mark, or undefined when no restore is under way. */
export async function readMark(transport: Transport): Promise<RestoreMark | undefined> {
  const { value } = await readAnchor(transport)
  return value === null ? undefined : parseMark(value)
}

function readAnchor(transport: Transport) {
  return readAnchored(transport, markQuery(transport.dialect, {}))
}

/** A mark whose value can't be read still means that a restore is under way, of an unknown archive. */
function parseMark(text: string): RestoreMark {
  const unknown: RestoreMark = { digest: '', progress: { table: null, rows: 0 }, isBegun: true }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('digest' in value) || typeof value.digest !== 'string')
      return unknown
    const progress = parseProgress('progress' in value ? value.progress : undefined)
    // Marks of earlier versions don't say.
    const isBegun = !('isBegun' in value) || value.isBegun !== false
    return { digest: value.digest, progress, isBegun }
  } catch {
    return unknown
  }
}

function parseProgress(value: unknown): RestoreMark['progress'] {
  const { table, rows }: Readonly<Record<string, unknown>> = typeof value === 'object' ? { ...value } : {}
  return {
    table: typeof table === 'string' && /^[a-z_]{1,64}$/.test(table) ? table : null,
    rows: typeof rows === 'number' ? rows : 0,
  }
}

interface MarkChange {
  readonly value?: string | null
  readonly owner?: string | null
}

/** The mark as one process holds it: once another process has taken it over, this one can do nothing with it. */
export class HeldMark {
  readonly #transport: Transport
  readonly #owner = crypto.randomUUID()
  readonly #digest: string
  #isBegun: boolean

  private constructor(transport: Transport, { digest, isBegun }: Pick<RestoreMark, 'digest' | 'isBegun'>) {
    this.#transport = transport
    this.#digest = digest
    this.#isBegun = isBegun
  }

  /** Sets the mark, in one statement; undefined where there is one already. The restore is then still to `begin`. */
  static async set(transport: Transport, digest: string): Promise<HeldMark | undefined> {
    const held = new HeldMark(transport, { digest, isBegun: false })
    const { marks } = transport.dialect.tables
    const isSet = await held.#update({ value: held.#value(null, 0), owner: held.#owner }, isNull(marks.value))
    return isSet ? held : undefined
  }

  /**
   * Takes over the mark that is there.
   * @throws RestoreError `taken_over` where it is lifted meanwhile
   */
  static async takeOver(transport: Transport, mark: RestoreMark): Promise<HeldMark> {
    const held = new HeldMark(transport, mark)
    const { table, rows } = mark.progress
    const value = held.#value(table, rows)
    // One that has begun since it was read has rows by now; one that was lifted since must not be set again.
    const isUnchanged = mark.isBegun ? held.#isOfSame() : eq(transport.dialect.tables.marks.value, value)
    if (await held.#update({ value, owner: held.#owner }, isUnchanged)) return held
    const found = await readMark(transport)
    if (found?.digest !== mark.digest) throw takenOver()
    return HeldMark.takeOver(transport, found)
  }

  get isBegun(): boolean {
    return this.#isBegun
  }

  /**
   * Notes that no rows of others are there: all that come from now on are the restore's.
   * @throws RestoreError `taken_over`
   */
  async begin(): Promise<void> {
    this.#isBegun = true
    await this.note(null, 0)
  }

  /**
   * Waits for a transaction that holds the mark.
   * @throws RestoreError `taken_over`
   */
  async check(): Promise<void> {
    if (await this.#update({ owner: this.#owner }, this.#isOwn)) return
    // MySQL doesn't count a row that stays as it is.
    if ((await readAnchor(this.#transport)).owner !== this.#owner) throw takenOver()
  }

  /** @throws RestoreError `taken_over` */
  async note(table: ArchiveTableName | null, rows: number): Promise<void> {
    const isChanged = await this.#update({ value: this.#value(table, rows) }, this.#isOwn)
    // MySQL doesn't count a row that had the same progress already, as one that a resumed run comes to again.
    if (!isChanged) await this.check()
  }

  /**
   * Statements that begin a transaction: nobody takes the mark over before its end, and where someone has, it fails by a
   * key that is there twice.
   */
  guard(): readonly Statement[] {
    const { dialect } = this.#transport
    const { marks } = dialect.tables
    const again = { name: restoreMark, owner: null, value: null, leaseUntil: null }
    const isOthers = or(isNull(marks.owner), ne(marks.owner, this.#owner)) ?? sql`false`
    const lock = this.#statement({ owner: this.#owner }, this.#isOwn)
    return [lock, buildStatement(insertWhere(dialect, marks, again, isOthers))]
  }

  /** Gives a row while the mark is this process's, and keeps it so until the transaction ends. */
  held(): Statement {
    const { dialect } = this.#transport
    const { builder, tables } = dialect
    const { marks } = tables
    const isHeld = and(eq(marks.name, restoreMark), this.#isOwn) ?? sql`false`
    const found = builder
      .select({ one: sql`1` })
      .from(marks)
      .where(sql`${isHeld} ${toolsOf(dialect).bulk.sharesRows}`)
    return buildStatement(found)
  }

  /** @throws RestoreError `taken_over` */
  async lift(): Promise<void> {
    if (!(await this.#update({ value: null, owner: null }, this.#isOwn))) throw takenOver()
  }

  #value(table: string | null, rows: number): string {
    return JSON.stringify({
      digest: this.#digest,
      progress: { table, rows },
      isBegun: this.#isBegun,
    } satisfies RestoreMark)
  }

  /** The condition that the mark is there and of the same archive, however far it is. */
  #isOfSame(): SQL {
    const { value } = this.#transport.dialect.tables.marks
    // A mark that can't be read is of an unknown one.
    if (this.#digest === '') return isNotNull(value)
    const begin = JSON.stringify({ digest: this.#digest }).slice(0, -1)
    return sql`substr(${value}, 1, ${sql.raw(String(begin.length))}) = ${begin}`
  }

  get #isOwn(): SQL {
    return eq(this.#transport.dialect.tables.marks.owner, this.#owner)
  }

  async #update(change: MarkChange, condition?: SQL): Promise<boolean> {
    return (await this.#transport.run(this.#statement(change, condition))).affected > 0
  }

  #statement(change: MarkChange, condition?: SQL): Statement {
    const { builder, tables } = this.#transport.dialect
    const { marks } = tables
    const update = builder
      .update(marks)
      .set(change)
      .where(and(eq(marks.name, restoreMark), condition))
    return buildStatement(update)
  }
}

function takenOver(): RestoreError {
  return new RestoreError('taken_over', {
    what: 'This restore was taken over by another process, and stops.',
    why: 'Someone ran `millrace restore --resume` or `--abandon` on this database meanwhile.',
    fix: 'Let that one end. Nothing that this one wrote is lost by it.',
  })
}
