import { databaseError } from '../../sql/errors.ts'
import type { Readable } from '../source.ts'
import { readers } from './adopted-row.ts'
import { countForeignRows, ForeignReader, type Cells } from './foreign-rows.ts'
import type { ForeignSchema, ForeignTable } from './foreign-schema.ts'
import type { GuideTableName } from './guide-tables.ts'
import { RowReading, type Filling } from './row-reading.ts'
import type { Scratch, StagedRow } from './scratch.ts'
import type { SettingsSecrets } from './settings-secrets.ts'
import { stagedTable } from './staged-tables.ts'

/** Something of the source that whoever moves it should know, with how many rows it is so in. */
export type AdoptionNote =
  | {
      readonly kind: 'filled'
      readonly table: GuideTableName
      readonly column: string
      readonly filling: Filling
      readonly rows: number
    }
  | { readonly kind: 'column_left'; readonly table: GuideTableName; readonly column: string; readonly rows: number }
  | { readonly kind: 'table_left'; readonly table: string; readonly rows: number }
  | { readonly kind: 'table_missing'; readonly table: GuideTableName }

export interface StageOptions {
  /** The time of adoption. */
  readonly at: string
  readonly secrets: SettingsSecrets
  /** Told once how many rows there are and of how many bytes, then of each page that was read and checked. */
  readonly onTotal?: ((rows: number, bytes: number) => void) | undefined
  readonly onRows?: ((rows: number) => void) | undefined
}

export interface Staged {
  readonly notes: readonly AdoptionNote[]
  /** Whether settings hold secrets. */
  readonly hasSecrets: boolean
}

/** Reads all rows of a foreign database, once, checks each by itself, and keeps them in the scratch database. */
export async function stage(
  source: Readable,
  schema: ForeignSchema,
  scratch: Scratch,
  options: StageOptions,
): Promise<Staged> {
  const notes: AdoptionNote[] = schema.missing.map(({ name }) => ({ kind: 'table_missing', table: name }))
  for (const table of schema.others) {
    notes.push({ kind: 'table_left', table, rows: await countForeignRows(source, table) })
  }
  const measured = await measureAll(source, schema)
  options.onTotal?.(
    measured.reduce((sum, { rows }) => sum + rows, 0),
    measured.reduce((sum, { bytes }) => sum + bytes, 0),
  )
  const watched = watchSecrets(options.secrets)
  for (const { table, rows, left } of measured) {
    for (const { column, values } of left) {
      notes.push({ kind: 'column_left', table: table.guide.name, column, rows: values })
    }
    notes.push(...(await stageTable(source, table, scratch, { ...options, secrets: watched.secrets })))
    await refuseOtherCount(scratch, table, rows)
  }
  return { notes, hasSecrets: watched.hasSome() }
}

async function measureAll(source: Readable, { tables }: ForeignSchema) {
  const measured = []
  for (const table of tables) measured.push({ table, ...(await new ForeignReader(source, table).measure()) })
  return measured
}

async function stageTable(
  source: Readable,
  table: ForeignTable,
  scratch: Scratch,
  { at, secrets, onRows }: StageOptions,
): Promise<readonly AdoptionNote[]> {
  const { name } = table.guide
  const filled = new Map<string, Extract<AdoptionNote, { kind: 'filled' }>>()
  const onFilled = (column: string, filling: Filling) => {
    const key = `${column} ${filling}`
    filled.set(key, { kind: 'filled', table: name, column, filling, rows: (filled.get(key)?.rows ?? 0) + 1 })
  }
  const read = readers[name]
  for await (const page of new ForeignReader(source, table).pages()) {
    const rows = page.map((raw): StagedRow => {
      const reading = new RowReading(table, raw, { at, isChecked: false, onFilled })
      const row = read(reading, secrets)
      return { row, raw, created: createdOrder(table, raw), reasons: reading.reasons }
    })
    await scratch.add(stagedTable(name), rows)
    onRows?.(rows.length)
  }
  return [...filled.values()]
}

/** Whatever went wrong with its pages, no row may be lost or doubled. */
async function refuseOtherCount(scratch: Scratch, { guide }: ForeignTable, rows: number): Promise<void> {
  const staged = await scratch.count(`select count(*) from ${guide.name}`)
  if (staged === rows) return
  throw databaseError('internal', `${guide.name} has ${rows} rows, but ${staged} were read`, { isNotApplied: true })
}

/** By the source's own value, whatever it is filled with. */
function createdOrder(table: ForeignTable, raw: Cells): string | null {
  const reading = new RowReading(table, raw, { at: '', isChecked: false, onFilled: () => undefined })
  return reading.time(table.guide.name === 'executions' ? 'started_at' : 'created_at')?.order ?? null
}

function watchSecrets(secrets: SettingsSecrets): { readonly secrets: SettingsSecrets; hasSome(): boolean } {
  let hasSome = false
  return {
    secrets: {
      ...secrets,
      survey(data) {
        const found = secrets.survey(data)
        hasSome ||= found === 'some'
        return found
      },
    },
    hasSome: () => hasSome,
  }
}
