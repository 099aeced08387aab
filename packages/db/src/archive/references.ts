import { toolsOf } from '../dialects/tools.ts'
import { nameKey } from '../schema/names.ts'
import { int64At, type EncodedFields } from './encoded-fields.ts'
import { KeptTexts } from './kept-texts.ts'
import { KeySet } from './key-set.ts'
import type { ArchiveRow, ArchiveValue } from './row.ts'
import { ownText } from './raw-rows.ts'
import { sha256Of } from './sha256.ts'
import { archiveTables, tableNamed, type ArchiveTable, type ArchiveTableName } from './tables.ts'

/**
 * What rows must be to each other: whatever a foreign key of the schema refers to is there, unique keys are, and a workflow's
 * head is its newest version. Rows come in the archive's order. It holds keys alone: a hash of each that others refer to.
 */
export class References {
  readonly #rules = new Map(archiveTables.map((table) => [table.name, rulesOf(table)]))
  readonly #ids = new Map(archiveTables.map(({ name }) => [name, new KeySet()]))
  readonly #workflows = new Map<ArchiveValue, Workflow>()
  readonly #texts = new KeptTexts()
  #history = new History('')

  /** Says all that is wrong with the row. */
  add(table: ArchiveTableName, row: ArchiveRow): readonly string[] {
    const { foreignKeys = [], uniqueKeys = [], isReferredTo = false } = this.#rules.get(table) ?? {}
    const faults: string[] = []
    if (isReferredTo) this.#ids.get(table)?.add(String(row['id']))
    for (const { column, target } of foreignKeys) {
      const id = valueOf(row, column)
      if (id === null || this.#ids.get(target)?.has(String(id)) === true) continue
      faults.push(`${column} refers to no ${target.slice(0, -1)}`)
    }
    for (const { what, keyOf, known } of uniqueKeys) {
      const key = keyOf(row)
      if (known.has(key)) faults.push(`another row has the same ${what}`)
      known.add(ownText(key))
    }
    this.#addVersions(table, row, faults)
    return faults
  }

  /**
   * Says of encoded rows of a table whether `add` would find nothing wrong, and adds those of which it says so. Their keys are
   * ASCII. Undefined where rows have more to compare than keys that others refer to.
   */
  encodedJudge({ name, columns }: ArchiveTable): ((fields: EncodedFields) => boolean) | undefined {
    const rules = this.#rules.get(name)
    const own = this.#ids.get(name)
    if (rules === undefined || own === undefined || rules.uniqueKeys.length > 0 || judgedByValues.has(name))
      return undefined
    const place = (column: string) => columns.findIndex((other) => other.name === column)
    const foreign = rules.foreignKeys.map(({ column, target }) => ({
      at: place(column),
      target: this.#ids.get(target),
    }))
    if (foreign.some(({ at }) => columns[at]?.kind !== 'id')) return undefined
    const id = place('id')
    const isRelated = this.#encodedRelations(name, place)
    return (fields) => {
      const { bytes } = fields
      for (const { at, target } of foreign) {
        const start = fields.starts[at] ?? 0
        const length = fields.lengths[at] ?? -1
        if (length >= 0 && target?.hasBytes(bytes, start, start + length) !== true) return false
      }
      if (!isRelated(fields)) return false
      const start = fields.starts[id] ?? 0
      if (rules.isReferredTo) own.addBytes(bytes, start, start + (fields.lengths[id] ?? 0))
      return true
    }
  }

  /** What no key of the schema says, of encoded rows. */
  #encodedRelations(table: ArchiveTableName, place: (column: string) => number): (fields: EncodedFields) => boolean {
    if (table === 'executions') {
      const workflowAt = place('workflow_id')
      const versionAt = place('version_number')
      return (fields) => {
        const workflow = this.#workflows.get(this.#textAt(fields, workflowAt))
        return workflow?.hasVersion(numberAt(fields, versionAt)) !== false
      }
    }
    if (table !== 'execution_history') return () => true
    const executionAt = place('execution_id')
    const seqAt = place('seq')
    const keyAt = place('key')
    return (fields) => {
      const executionId = this.#textAt(fields, executionAt) ?? ''
      if (this.#history.executionId !== executionId) this.#history = new History(executionId)
      return this.#history.takes(numberAt(fields, seqAt), this.#textAt(fields, keyAt))
    }
  }

  #textAt({ bytes, starts, lengths }: EncodedFields, column: number): string | null {
    const length = lengths[column] ?? -1
    return length < 0 ? null : this.#texts.textOf(bytes, starts[column] ?? 0, length)
  }

  /** What is wrong with the workflows' heads; asked when all versions have come. */
  *wrongHeads(): Generator<string> {
    for (const [id, workflow] of this.#workflows) {
      const fault = workflow.faultOfHead
      if (fault !== undefined) yield `workflow ${JSON.stringify(id)} ${fault}`
    }
  }

  /** What no key of the schema says. */
  #addVersions(table: ArchiveTableName, row: ArchiveRow, faults: string[]): void {
    const workflow = this.#workflows.get(valueOf(row, 'workflow_id'))
    if (table === 'workflows') this.#workflows.set(ownText(String(row['id'])), new Workflow(row))
    if (table === 'workflow_versions') workflow?.addVersion(row)
    if (table === 'executions' && workflow?.hasVersion(Number(row['version_number'])) === false) {
      faults.push('version_number refers to no version of the workflow')
    }
    if (table === 'execution_history') faults.push(...this.#historyFaults(row))
  }

  /** Entries come by execution and `seq`. */
  #historyFaults(row: ArchiveRow): readonly string[] {
    const executionId = String(row['execution_id'])
    if (this.#history.executionId !== executionId) this.#history = new History(executionId)
    return this.#history.add(row)
  }
}

/** Their rows are compared with each other by more than keys. */
const judgedByValues: ReadonlySet<ArchiveTableName> = new Set(['workflows', 'workflow_versions'])

interface TableRules {
  readonly foreignKeys: readonly { readonly column: string; readonly target: ArchiveTableName }[]
  readonly uniqueKeys: readonly UniqueKey[]
  readonly isReferredTo: boolean
}

interface UniqueKey {
  /** For people. */
  readonly what: string
  readonly keyOf: (row: ArchiveRow) => string
  readonly known: Set<string>
}

/** All dialects have the same keys. */
const { expected } = toolsOf({ name: 'sqlite' }).catalogue

function rulesOf({ name, columns }: ArchiveTable): TableRules {
  const { foreignKeys = [], indexes = [] } = expected.get(name) ?? {}
  // Of each execution's history by itself, since it may be long.
  const unique = name === 'execution_history' ? [] : indexes.filter(({ isUnique }) => isUnique)
  return {
    foreignKeys: foreignKeys.flatMap(({ columns: [column = ''], target: targetName }) => {
      const target = tableNamed(targetName)
      return target === undefined ? [] : [{ column, target: target.name }]
    }),
    uniqueKeys: unique.map((index) => uniqueKey(index.columns, columns)),
    isReferredTo: [...expected.values()].some((other) => other.foreignKeys.some(({ target }) => target === name)),
  }
}

/** A name's key is not in the archive: it is made of the name. */
function uniqueKey(names: readonly string[], columns: ArchiveTable['columns']): UniqueKey {
  const [first = ''] = names
  const known = new Set<string>()
  if (names.every((name) => columns.some((column) => column.name === name))) {
    return { what: names.join(' with '), keyOf: (row) => JSON.stringify(names.map((name) => row[name])), known }
  }
  const named = first.replace(/_key$/, '')
  return { what: `${named}, ignoring case,`, keyOf: (row) => nameKey(String(row[named])), known }
}

function valueOf(row: ArchiveRow, column: string): ArchiveValue {
  return row[column] ?? null
}

function numberAt({ bytes, starts }: EncodedFields, column: number): number {
  return int64At(bytes, starts[column] ?? 0)
}

/** One execution's entries, which come by `seq`. */
class History {
  readonly executionId: string
  readonly #keys = new Set<string>()
  #seq = 0

  constructor(executionId: string) {
    this.executionId = executionId
  }

  add(row: ArchiveRow): readonly string[] {
    const faults: string[] = []
    const seq = Number(row['seq'])
    if (seq !== this.#seq + 1) faults.push(`seq ${seq} follows ${this.#seq}: the history has a gap`)
    this.#seq = seq
    const key = valueOf(row, 'key')
    if (key === null) return faults
    if (this.#keys.has(String(key))) faults.push('another row has the same execution_id with key')
    this.#keys.add(String(key))
    return faults
  }

  /** Adds an entry in which `add` would find nothing wrong. */
  takes(seq: number, key: string | null): boolean {
    if (seq !== this.#seq + 1 || (key !== null && this.#keys.has(key))) return false
    this.#seq = seq
    if (key !== null) this.#keys.add(key)
    return true
  }
}

/** A workflow's head and the numbers of its versions, which come in order. */
class Workflow {
  readonly #headNumber: number
  readonly #headDigest: string
  /** Numbers without a gap between, first and last. */
  readonly #ranges: { first: number; last: number }[] = []
  #isHeadEqual = false

  constructor(row: ArchiveRow) {
    this.#headNumber = Number(row['version_number'])
    this.#headDigest = sha256Of(String(row['definition']))
  }

  addVersion(row: ArchiveRow): void {
    const number = Number(row['version_number'])
    const range = this.#ranges.at(-1)
    if (range?.last === number - 1) range.last = number
    else this.#ranges.push({ first: number, last: number })
    if (number === this.#headNumber) this.#isHeadEqual = sha256Of(String(row['definition'])) === this.#headDigest
  }

  hasVersion(number: number): boolean {
    for (const { first, last } of this.#ranges) if (first <= number && number <= last) return true
    return false
  }

  get faultOfHead(): string | undefined {
    const newest = this.#ranges.at(-1)?.last
    if (newest === undefined) return 'has no version'
    if (newest !== this.#headNumber) return `is at version ${this.#headNumber}, but its newest is ${newest}`
    return this.#isHeadEqual ? undefined : 'has another definition than its newest version'
  }
}
