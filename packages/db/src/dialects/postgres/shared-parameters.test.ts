import { sql, type Column, type SQL } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { defineShapedStatement, type Bind } from '../../sql/building.ts'
import { postgres } from './dialect.ts'

type Values = Readonly<Record<string, unknown>>

function built(build: (bind: Bind<Values>) => SQL, values: Values) {
  return defineShapedStatement<undefined, Values>()((_dialect, bind) => build(bind))(postgres, undefined, values)
}

const { users, executions } = postgres.tables
const moment = new Date('2026-01-02T03:04:05.678Z')

test('a value that is named twice is one parameter, in each place', () => {
  const { text, parameters } = built(
    (bind) =>
      sql`select ${bind('id', users.id)}, ${bind('at', users.createdAt)}, ${bind('id', executions.id)}, ${'x'}, ${bind('at', executions.dueAt)}`,
    { id: 'ada', at: moment },
  )
  expect(text).toBe('select $1, $2, $1, $3, $2')
  expect(parameters).toEqual(['ada', moment.toISOString(), 'x'])
})

test('values of one name that are encoded in different ways stay apart', () => {
  const { text, parameters } = built(
    (bind) => sql`select ${bind('value', users.createdAt)}, ${bind('value')}, ${bind('value', executions.dueAt)}`,
    { value: moment },
  )
  expect(text).toBe('select $1, $2, $1')
  expect(parameters).toEqual([moment.toISOString(), moment])
})

test('equal values of different names stay apart, and more than nine parameters keep their places', () => {
  const names = Array.from({ length: 12 }, (_, place) => `value${place}`)
  const column: Column = users.id
  const { text, parameters } = built(
    (bind) =>
      sql`select ${sql.join(
        [...names, 'value1', 'value11'].map((name) => bind(name, column)),
        sql`, `,
      )}`,
    Object.fromEntries(names.map((name) => [name, 'same'])),
  )
  expect(text).toBe('select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $2, $12')
  expect(parameters).toHaveLength(12)
})
