import type { RawResult } from '@millrace/db/sql/statement'
import type { D1Binding, D1Client, D1Prepared, D1Rows, D1Statement } from './client.ts'

/** D1 by the Worker's binding. A call cannot be ended: one that takes too long is given up, and may still happen. */
export function bindingClient(database: D1Binding): D1Client {
  return {
    send(statements, timeoutSeconds) {
      const [only, ...others] = statements
      const sent = only !== undefined && others.length === 0 ? sendOne(database, only) : sendBatch(database, statements)
      return within(sent, timeoutSeconds)
    },
  }
}

async function sendOne(database: D1Binding, statement: D1Statement): Promise<readonly RawResult[]> {
  const prepared = prepare(database, statement.sql, statement)
  if (statement.isRead) return [{ rows: await prepared.raw(), affected: 0 }]
  return [answerOf(await prepared.all(), statement)]
}

async function sendBatch(database: D1Binding, statements: readonly D1Statement[]): Promise<readonly RawResult[]> {
  const results = await database.batch(
    statements.map((statement) => prepare(database, withColumnNames(statement), statement)),
  )
  return results.map((result, position) => answerOf(result, statements[position]))
}

function prepare(database: D1Binding, sql: string, { params }: D1Statement): D1Prepared {
  const prepared = database.prepare(sql)
  return params.length === 0 ? prepared : prepared.bind(...params)
}

/**
 * A batch gives rows as objects: of two columns with one name only the last would be left, and those whose names are
 * numbers would come first. So a read's columns get names of their own.
 */
function withColumnNames({ sql, isRead, columns }: D1Statement): string {
  if (!isRead) return sql
  if (columns === undefined) return `select * from (${sql})`
  const names = Array.from({ length: columns }, (_none, position) => `c${position}`)
  return `with answer(${names.join(', ')}) as (${sql}) select * from answer`
}

function answerOf({ results, meta }: D1Rows, statement: D1Statement | undefined): RawResult {
  const [first] = results
  if (first !== undefined) checkNames(Object.keys(first), statement?.columns)
  return { rows: results.map((row) => Object.values(row)), affected: meta.changes ?? 0 }
}

function checkNames(names: readonly string[], columns: number | undefined): void {
  if (columns !== undefined && names.length !== columns) {
    throw new TypeError('two columns of a row have the same name, which D1 gives one value for')
  }
  if (names.some((name) => /^\d+$/.test(name))) {
    throw new TypeError('a column of a row is named by a number, which changes its place in what D1 gives')
  }
}

async function within<Result>(work: Promise<Result>, seconds: number): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new DOMException('D1 did not answer in time', 'TimeoutError'))
    }, seconds * 1000)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
