import { nameKey } from '../schema/names.ts'
import { KeySet } from './key-set.ts'
import type { ArchiveRow, ArchiveValue } from './row.ts'
import { ownText } from './raw-rows.ts'
import { sha256Of } from './sha256.ts'
import type { ArchiveTableName } from './tables.ts'

/**
 * What rows must be to each other: whatever one refers to is there, unique keys are, and a workflow's head is its newest
 * version. Rows come in the archive's order. It holds keys alone, and of executions a hash of each.
 */
export class References {
  readonly #users = new Set<ArchiveValue>()
  readonly #workflows = new Map<ArchiveValue, Workflow>()
  readonly #executions = new KeySet()
  #history = new History('')
  readonly #uniqueKeys = new Map<string, Set<string>>()

  /** Says all that is wrong with the row. */
  add(table: ArchiveTableName, row: ArchiveRow): readonly string[] {
    switch (table) {
      case 'users':
        return this.#addUser(row)
      case 'api_keys':
        return together(this.#userFaults(row, 'user_id'), this.#uniqueFaults(table, row, 'key_sha256'))
      case 'settings':
        return [...this.#userFaults(row, 'user_id'), ...this.#uniqueFaults(table, row, 'user_id')]
      case 'workflows':
        this.#workflows.set(ownText(String(row['id'])), new Workflow(row))
        return this.#userFaults(row, 'owner_id')
      case 'workflow_versions':
        return [
          ...(this.#workflows.get(valueOf(row, 'workflow_id'))?.addVersion(row) ?? [
            'workflow_id refers to no workflow',
          ]),
          ...this.#userFaults(row, 'created_by'),
          ...this.#uniqueFaults(table, row, 'id'),
        ]
      case 'workflow_shares':
        return [
          ...(this.#workflows.has(valueOf(row, 'workflow_id')) ? [] : ['workflow_id refers to no workflow']),
          ...this.#userFaults(row, 'shared_with_user_id', 'shared_by'),
          ...this.#uniqueFaults(table, row, 'workflow_id', 'shared_with_user_id'),
        ]
      case 'schedules':
        return [
          ...(this.#workflows.has(valueOf(row, 'workflow_id')) ? [] : ['workflow_id refers to no workflow']),
          ...this.#userFaults(row, 'created_by'),
        ]
      case 'executions':
        this.#executions.add(String(row['id']))
        return together(
          this.#workflows.get(valueOf(row, 'workflow_id'))?.faultsOfExecution(row) ?? noWorkflow,
          this.#userFaults(row, 'user_id'),
        )
      case 'execution_history':
        return this.#historyFaults(row)
      case 'audit':
        // It outlives what it tells of.
        return []
    }
  }

  /** What is wrong with the workflows' heads; asked when all versions have come. */
  *wrongHeads(): Generator<string> {
    for (const [id, workflow] of this.#workflows) {
      const fault = workflow.faultOfHead
      if (fault !== undefined) yield `workflow ${JSON.stringify(id)} ${fault}`
    }
  }

  #addUser(row: ArchiveRow): readonly string[] {
    this.#users.add(ownText(String(row['id'])))
    const keys = { 'username, ignoring case,': row['username'], 'email, ignoring case,': row['email'] }
    return [
      ...this.#uniqueFaults('users', row, 'username'),
      ...this.#uniqueFaults('users', row, 'email'),
      ...Object.entries(keys).flatMap(([what, name]) => this.#duplicate(`users ${what}`, nameKey(String(name)), what)),
    ]
  }

  /** Entries come by execution and `seq`. */
  #historyFaults(row: ArchiveRow): readonly string[] {
    const executionId = String(row['execution_id'])
    if (this.#history.executionId !== executionId) this.#history = new History(executionId)
    const isThere = this.#history.isBegun || this.#executions.has(executionId)
    return together(isThere ? none : ['execution_id refers to no execution'], this.#history.add(row))
  }

  #userFaults(row: ArchiveRow, ...columns: readonly string[]): readonly string[] {
    const isBroken = (column: string) => valueOf(row, column) !== null && !this.#users.has(valueOf(row, column))
    if (!columns.some(isBroken)) return none
    return columns.filter(isBroken).map((column) => `${column} refers to no user`)
  }

  #uniqueFaults(table: ArchiveTableName, row: ArchiveRow, ...columns: readonly string[]): readonly string[] {
    const what = columns.join(' with ')
    return this.#duplicate(`${table} ${what}`, JSON.stringify(columns.map((column) => row[column])), what)
  }

  #duplicate(index: string, key: string, what: string): readonly string[] {
    const keys = this.#uniqueKeys.get(index) ?? new Set<string>()
    this.#uniqueKeys.set(index, keys)
    if (keys.has(key)) return [`another row has the same ${what}`]
    keys.add(ownText(key))
    return []
  }
}

/** One for all rows with which nothing is wrong: there are millions. */
const none: readonly string[] = []
const noWorkflow: readonly string[] = ['workflow_id refers to no workflow']

function together(left: readonly string[], right: readonly string[]): readonly string[] {
  if (left.length === 0) return right
  return right.length === 0 ? left : [...left, ...right]
}

function valueOf(row: ArchiveRow, column: string): ArchiveValue {
  return row[column] ?? null
}

/** One execution's entries, which come by `seq`. */
class History {
  readonly executionId: string
  readonly #keys = new Set<string>()
  #seq = 0

  constructor(executionId: string) {
    this.executionId = executionId
  }

  get isBegun(): boolean {
    return this.#seq > 0
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

  addVersion(row: ArchiveRow): readonly string[] {
    const number = Number(row['version_number'])
    const range = this.#ranges.at(-1)
    if (range?.last === number - 1) range.last = number
    else this.#ranges.push({ first: number, last: number })
    if (number === this.#headNumber) this.#isHeadEqual = sha256Of(String(row['definition'])) === this.#headDigest
    return []
  }

  faultsOfExecution(row: ArchiveRow): readonly string[] {
    const number = Number(row['version_number'])
    const isThere = this.#ranges.some(({ first, last }) => first <= number && number <= last)
    return isThere ? none : ['version_number refers to no version of the workflow']
  }

  get faultOfHead(): string | undefined {
    const newest = this.#ranges.at(-1)?.last
    if (newest === undefined) return 'has no version'
    if (newest !== this.#headNumber) return `is at version ${this.#headNumber}, but its newest is ${newest}`
    return this.#isHeadEqual ? undefined : 'has another definition than its newest version'
  }
}
