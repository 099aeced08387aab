import type { RowPages } from '../row.ts'
import type { Readable } from '../source.ts'
import type { ForeignSchema } from './foreign-schema.ts'
import { guideTables, type GuideTableName } from './guide-tables.ts'
import { judge } from './judgement.ts'
import { bitOf, refusalReasons, type RefusalReason } from './reasons.ts'
import type { Scratch } from './scratch.ts'
import { stage, type AdoptionNote, type StageOptions } from './stage.ts'
import { StagedReader } from './staged-rows.ts'

/** Rows of a table: `read` of the source, `quarantined` of them; `added` are versions that adoption makes. */
export interface AdoptionCounts {
  readonly read: number
  readonly quarantined: number
  readonly added: number
}

/** Rows that can't be imported for one reason. */
export interface RefusalGroup {
  readonly reason: RefusalReason
  readonly count: number
  readonly tables: readonly RefusedRows[]
}

export interface RefusedRows {
  readonly table: GuideTableName
  readonly count: number
  /** Of the first ones; null of a row without. */
  readonly ids: readonly (string | null)[]
}

/** A legacy import: a foreign database's rows, read and judged. Nothing of it is written anywhere yet. */
export interface Adoption {
  readonly counts: Readonly<Record<GuideTableName, AdoptionCounts>>
  readonly refusals: readonly RefusalGroup[]
  readonly notes: readonly AdoptionNote[]
  readonly hasSecrets: boolean
  /** The rows to adopt, as an archive's. */
  pages(): RowPages
  /** The others, one line of NDJSON per row, with the LF at its end. */
  quarantine(): AsyncIterable<string>
}

const firstIds = 10

/**
 * Reads a foreign database through a snapshot and judges every row.
 * @throws DatabaseError
 */
export async function prepareAdoption(
  source: Readable,
  schema: ForeignSchema,
  scratch: Scratch,
  options: StageOptions,
): Promise<Adoption> {
  const { notes, hasSecrets } = await stage(source, schema, scratch, options)
  await judge(scratch)
  const reader = new StagedReader(schema, scratch, options)
  return {
    counts: await countAll(scratch),
    refusals: await findRefusals(scratch, schema),
    notes,
    hasSecrets,
    pages: () => reader.pages(),
    quarantine: () => reader.quarantine(),
  }
}

async function countAll(scratch: Scratch): Promise<Adoption['counts']> {
  const counts = []
  for (const { name } of guideTables) {
    const from = `select count(*) from ${name} where source is`
    const read = await scratch.count(`${from} null`)
    const quarantined = await scratch.count(`${from} null and reasons <> 0`)
    counts.push([name, { read, quarantined, added: await scratch.count(`${from} not null`) }] as const)
  }
  // One entry for each of the names that the type lists.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.fromEntries(counts) as Adoption['counts']
}

/** Settings without an id of their own are found by their user. */
function idShown(name: GuideTableName, { tables }: ForeignSchema): string {
  const columns = tables.find(({ guide }) => guide.name === name)?.columns ?? []
  return name === 'settings' && columns.every((column) => column.name !== 'id') ? 'user_id' : 'id'
}

async function findRefusals(scratch: Scratch, schema: ForeignSchema): Promise<readonly RefusalGroup[]> {
  const refusals: RefusalGroup[] = []
  for (const reason of refusalReasons) {
    const tables: RefusedRows[] = []
    for (const { name } of guideTables) {
      const from = `from ${name} where reasons & ${bitOf(reason)} <> 0`
      const count = await scratch.count(`select count(*) ${from}`)
      if (count === 0) continue
      const ids = await scratch.run(`select ${idShown(name, schema)} ${from} order by 1, seq limit ${firstIds}`)
      tables.push({ table: name, count, ids: ids.map(([id]) => (typeof id === 'string' ? id : null)) })
    }
    if (tables.length > 0) refusals.push({ reason, count: tables.reduce((sum, { count }) => sum + count, 0), tables })
  }
  return refusals
}
