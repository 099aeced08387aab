import {
  Column,
  Param,
  Placeholder,
  SQL,
  is,
  sql,
  type DriverValueDecoder,
  type DriverValueEncoder,
  type Query as DrizzleQuery,
} from 'drizzle-orm'
import type { Dialect } from './dialect.ts'
import type { Query, Statement } from './statement.ts'

/** Gives a parameter its place: encoded as the column's values are, or as it is where no column is meant. */
export type Bind<Input> = (name: keyof Input & string, column?: Column) => SQL

interface Built {
  toSQL(): DrizzleQuery
}

interface BuiltSelect extends Built {
  readonly _: { readonly selectedFields: object; readonly result: readonly unknown[] }
}

type RowOf<Select extends BuiltSelect> = Select['_']['result'][number]

/**
 * Defines a query: built once for each dialect, on its first use; each call only fills its parameters in.
 *
 * @example const byId = defineQuery<{ id: string }>()((d, bind) => d.builder.select({ … }).from(…).where(…))
 */
export function defineQuery<Input extends object>() {
  return <Select extends BuiltSelect>(build: (dialect: Dialect, bind: Bind<Input>) => Select) => {
    const query = defineShapedQuery<undefined, Input>()(build)
    return (dialect: Dialect, input: Input): Query<RowOf<Select>> => query(dialect, undefined, input)
  }
}

/** Defines a statement without rows, as {@link defineQuery} does one with rows. */
export function defineStatement<Input extends object>() {
  return (build: (dialect: Dialect, bind: Bind<Input>) => Built | SQL) => {
    const statement = defineShapedStatement<undefined, Input>()(build)
    return (dialect: Dialect, input: Input): Statement => statement(dialect, undefined, input)
  }
}

/** Defines a query whose SQL depends on a shape, plain data of few variants: built once for each dialect and shape. */
export function defineShapedQuery<Shape, Input extends object>() {
  return <Select extends BuiltSelect>(build: (dialect: Dialect, bind: Bind<Input>, shape: Shape) => Select) => {
    const prepared = preparedByShape((dialect, shape: Shape) => {
      const select = build(dialect, bindTo, shape)
      const { selectedFields } = select._
      return { ...prepare(select), ...widthOf(selectedFields), decode: decoderOf<RowOf<Select>>(selectedFields) }
    })
    return (dialect: Dialect, shape: Shape, input: Input): Query<RowOf<Select>> => {
      const { text, slots, columns, decode } = prepared(dialect, shape)
      return { text, parameters: fill(slots, input), columns, readsNumbers: true, decode }
    }
  }
}

/** Defines a statement without rows, as {@link defineShapedQuery} does one with rows. */
export function defineShapedStatement<Shape, Input extends object>() {
  return (build: (dialect: Dialect, bind: Bind<Input>, shape: Shape) => Built | SQL) => {
    const prepared = preparedByShape((dialect, shape: Shape) => {
      const built = build(dialect, bindTo, shape)
      return prepare(is(built, SQL) ? { toSQL: () => dialect.toSQL(built) } : built)
    })
    return (dialect: Dialect, shape: Shape, input: Input): Statement => {
      const { text, slots } = prepared(dialect, shape)
      return { text, parameters: fill(slots, input) }
    }
  }
}

/** A query whose shape depends on its input, built at each call. */
export function buildQuery<Select extends BuiltSelect>(select: Select): Query<RowOf<Select>> {
  const { sql: text, params } = select.toSQL()
  const { selectedFields } = select._
  return { text, parameters: params, ...widthOf(selectedFields), decode: decoderOf<RowOf<Select>>(selectedFields) }
}

/** A statement whose shape depends on its input, built at each call. */
export function buildStatement(built: Built): Statement {
  const { sql: text, params } = built.toSQL()
  return { text, parameters: params }
}

function bindTo(name: string, column?: Column): SQL {
  return sql`${new Param(new Placeholder(name), column)}`
}

/** Gives a call's value for one parameter. */
type Slot = (input: Readonly<Record<string, unknown>>) => unknown

function slotOf(parameter: unknown): Slot {
  if (is(parameter, Param) && is(parameter.value, Placeholder))
    return namedSlot(parameter.value.name, parameter.encoder)
  if (is(parameter, Placeholder)) return namedSlot(parameter.name)
  return () => parameter
}

/** Drizzle's own `fillPlaceholders` hands null to the encoder. */
function namedSlot(name: string, encoder?: DriverValueEncoder<unknown, unknown>): Slot {
  return (input) => {
    const value = input[name]
    if (value === undefined) throw new TypeError(`the statement's parameter ${name} has no value`)
    return value === null || encoder === undefined ? value : encoder.mapToDriverValue(value)
  }
}

function fill(slots: readonly Slot[], input: object): unknown[] {
  // A statement's places are named, which an interface as the input's type does not say.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const values = input as Readonly<Record<string, unknown>>
  return slots.map((slot) => slot(values))
}

interface Prepared {
  readonly text: string
  readonly slots: readonly Slot[]
}

function prepare(built: Built): Prepared {
  const { sql: text, params } = built.toSQL()
  return { text, slots: params.map(slotOf) }
}

/** Beyond these all are forgotten and made anew: a shape may hold a length that a caller chooses. */
const mostShapes = 200

function preparedByShape<Shape, Made>(
  make: (dialect: Dialect, shape: Shape) => Made,
): (dialect: Dialect, shape: Shape) => Made {
  const known = new Map<Dialect, Map<string, Made>>()
  return (dialect, shape) => {
    const ofDialect = known.get(dialect) ?? new Map<string, Made>()
    known.set(dialect, ofDialect)
    const key = shape === undefined ? '' : JSON.stringify(shape)
    const found = ofDialect.get(key)
    if (found !== undefined) return found
    if (ofDialect.size >= mostShapes) ofDialect.clear()
    const made = make(dialect, shape)
    ofDialect.set(key, made)
    return made
  }
}

function widthOf(selectedFields: object): { readonly columns: number } {
  return { columns: Object.keys(selectedFields).length }
}

type Decode = (value: unknown) => unknown

// The row's type is the selection's, which drizzle infers.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
function decoderOf<Row>(selectedFields: object): (values: readonly unknown[]) => Row {
  const fields = Object.entries(selectedFields).map(([name, field]) => ({ name, decode: decoderOfField(field) }))
  // A copy has room for all columns at once; added one by one, they took a quarter of the time.
  const empty: Readonly<Record<string, unknown>> = Object.fromEntries(fields.map(({ name }) => [name, null]))
  return (values) => {
    const row = { ...empty }
    let position = 0
    for (const { name, decode } of fields) {
      const value = values[position++]
      if (value !== null && value !== undefined) row[name] = decode(value)
    }
    // The selection is the row's type and its decoders alike: drizzle infers the one, this loop follows the other.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return row as Row
  }
}

function decoderOfField(field: unknown): Decode {
  if (is(field, Column)) return decoderOfColumn(field)
  if (is(field, SQL)) return decoderOfSql(field)
  if (is(field, SQL.Aliased)) return decoderOfSql(field.sql)
  throw new TypeError('a selection holds columns and SQL only, without nesting')
}

/** A subquery's column is a proxy, which each call would look its members up through: a tenth of reading a list. */
function decoderOfColumn(field: Column): Decode {
  // What `mapFromDriverValue` of a custom column calls, as the kits make all of theirs.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { mapFrom } = field as unknown as { mapFrom?: unknown }
  if (isDecode(mapFrom)) return mapFrom
  return 'mapFrom' in field ? (value) => value : (value) => field.mapFromDriverValue(value)
}

function isDecode(value: unknown): value is Decode {
  return typeof value === 'function'
}

function decoderOfSql(field: SQL): Decode {
  // Declared internal by drizzle, and what `mapWith` sets: the one place that knows how an expression's value reads.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { decoder } = field as unknown as { decoder: DriverValueDecoder<unknown, unknown> }
  return (value) => decoder.mapFromDriverValue(value)
}
