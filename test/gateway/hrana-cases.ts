import { expect } from 'vitest'
import {
  batch,
  blob,
  close,
  closed,
  done,
  execute,
  executeNamed,
  failed,
  float,
  type HranaClient,
  integer,
  nothing,
  stmtResult,
  text,
  type Wire,
} from './hrana-client.ts'

/**
 * What a libSQL server has to answer, one case a behaviour. The same list runs on the gateway and on the real sqld
 * (0.24.1-pre.42); where the two differ the case says so, and why.
 */
export interface HranaCase {
  readonly name: string
  /** Gives the answers, in order. Cases share a database: each uses tables of its own name. */
  readonly run: (open: (version?: 2 | 3) => HranaClient) => Promise<unknown>
  readonly expected: unknown
  readonly onSqld?: { readonly expected: unknown; readonly because: string }
}

const awkwardText = `'"\`\\ \\n \u2028\u2029 😀 é \u0001 \u001f </script> ${'9'.repeat(30)}`

const ok = (...results: readonly unknown[]) => ({ status: 200, results, isOpen: false })
const open = (...results: readonly unknown[]) => ({ status: 200, results, isOpen: true })
const refused = (error: unknown) => ({ status: 400, error })

/** Runs requests on a stream of its own and closes it. */
const once =
  (...requests: readonly Wire[]): HranaCase['run'] =>
  (openStream) =>
    openStream().send(...requests, close)

/** sqld goes on with the place in the text, which the native binding does not tell. */
const noSuchColumn: unknown = expect.stringMatching(
  /^SQL input error: no such column: nothing_such( \(at offset \d+\))?$/u,
)
const anyList: unknown = expect.any(Array)

const parseError = failed('SQL_PARSE_ERROR', expect.stringContaining('SQL string could not be parsed: '))
const unsupported = failed('SQL_PARSE_ERROR', expect.stringContaining('unsupported statement'))

export const hranaCases: readonly HranaCase[] = [
  {
    name: 'every type of value comes back as it was sent',
    run: once(
      execute(
        'select ? a, ? b, ? c, ? d, ? e, ? f, ? g',
        nothing,
        integer(-(2n ** 63n)),
        integer(2n ** 63n - 1n),
        float(0.1),
        float(1e300),
        blob('AP8'),
        blob(''),
      ),
      execute('select ? a, ? b', text(''), text(awkwardText)),
    ),
    expected: ok(
      done({
        cols: ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
        rows: [
          [nothing, integer(-(2n ** 63n)), integer(2n ** 63n - 1n), float(0.1), float(1e300), blob('AP8'), blob('')],
        ],
      }),
      done({ cols: ['a', 'b'], rows: [[text(''), text(awkwardText)]] }),
      closed,
    ),
  },
  {
    name: 'values are stored with the type that they were sent with',
    run: once(
      execute(
        'select typeof(?) a, typeof(?) b, typeof(?) c, typeof(?) d, typeof(?) e',
        nothing,
        integer(1),
        float(1),
        text('1'),
        blob('MQ'),
      ),
    ),
    expected: ok(
      done({
        cols: ['a', 'b', 'c', 'd', 'e'],
        rows: [[text('null'), text('integer'), text('real'), text('text'), text('blob')]],
      }),
      closed,
    ),
  },
  {
    name: 'a text of 1 MiB comes back whole',
    run: async (openStream) => {
      const answer = await openStream().send(execute('select ? a', text('é'.repeat(2 ** 19))), close)
      return JSON.stringify(answer).length > 2 ** 19 && JSON.stringify(answer).includes('é'.repeat(2 ** 19))
    },
    expected: true,
  },
  {
    name: 'columns have their names and declared types, also when two are alike',
    run: once(
      execute('create table columns_case (a integer primary key, b varchar(10), c)'),
      execute('insert into columns_case values (1, 2, 3.5)'),
      execute('select a, b as renamed, c, a + 1, a from columns_case'),
    ),
    expected: ok(
      done(),
      done({ affected: 1, rowid: '1' }),
      done({
        cols: [['a', 'INTEGER'], ['renamed', 'varchar(10)'], 'c', 'a + 1', ['a', 'INTEGER']],
        rows: [[integer(1), text('2'), float(3.5), integer(2), integer(1)]],
      }),
      closed,
    ),
  },
  {
    name: 'arguments are bound by position, by number and by name with and without prefix',
    run: once(
      execute('select ?2 a, ?1 b', integer(1), integer(2)),
      executeNamed('select :a a, @b b, $c c, :a d', { a: integer(1), '@b': integer(2), c: integer(3) }),
    ),
    expected: ok(
      done({ cols: ['a', 'b'], rows: [[integer(2), integer(1)]] }),
      done({ cols: ['a', 'b', 'c', 'd'], rows: [[integer(1), integer(2), integer(3), integer(1)]] }),
      closed,
    ),
  },
  {
    name: 'arguments that do not match the parameters are refused',
    run: once(
      execute('select ?, ?', nothing),
      execute('select ?', nothing, nothing),
      executeNamed('select :a, $c', { a: nothing }),
      executeNamed('select :a', { a: nothing, b: nothing }),
      execute('select :a', nothing),
      { type: 'execute', stmt: { sql: 'select ?', args: [nothing], named_args: [{ name: 'a', value: nothing }] } },
    ),
    expected: ok(
      failed('ARGS_INVALID', 'Arguments do not match SQL parameters: value for parameter 2 not found'),
      failed('ARGS_INVALID', 'Arguments do not match SQL parameters: too many parameters, expected 1 found 2'),
      failed('ARGS_INVALID', 'Arguments do not match SQL parameters: value for parameter $c not found'),
      failed('ARGS_INVALID', 'Arguments do not match SQL parameters: too many parameters, expected 1 found 2'),
      failed('ARGS_INVALID', 'Arguments do not match SQL parameters: value for parameter :a not found'),
      failed('ARGS_BOTH_POSITIONAL_AND_NAMED', 'Specifying both positional and named arguments is not supported'),
      closed,
    ),
  },
  {
    name: 'a text that is no statement, or more than one, is refused',
    run: once(
      execute('selec 1'),
      execute('select (1'),
      execute(''),
      execute(' -- only a comment\n/* and another */ ;'),
      execute('select 1; select 2'),
      execute("select ';' a; -- trailing"),
    ),
    expected: ok(
      parseError,
      parseError,
      failed('SQL_NO_STATEMENT', 'SQL string does not contain any statement'),
      failed('SQL_NO_STATEMENT', 'SQL string does not contain any statement'),
      failed('SQL_MANY_STATEMENTS', 'SQL string contains more than one statement'),
      done({ cols: ['a'], rows: [[text(';')]] }),
      closed,
    ),
  },
  {
    name: 'what is missing in the schema has its code',
    run: once(execute('select * from nowhere'), execute('select nothing_such')),
    expected: ok(
      failed('SQLITE_UNKNOWN', 'SQLite error: no such table: nowhere'),
      failed('SQL_INPUT_ERROR', noSuchColumn),
      closed,
    ),
  },
  {
    name: 'each kind of constraint is SQLITE_CONSTRAINT and says which',
    run: once(
      execute('create table parent_case (id integer primary key)'),
      execute(
        'create table constraint_case (a text primary key, b text unique, c int not null check (c > 0), d references parent_case)',
      ),
      execute("insert into constraint_case values ('a', 'b', 1, null)"),
      execute("insert into constraint_case values ('a', 'x', 1, null)"),
      execute("insert into constraint_case values ('x', 'b', 1, null)"),
      execute("insert into constraint_case values ('x', 'x', null, null)"),
      execute("insert into constraint_case values ('x', 'x', 0, null)"),
      execute("insert into constraint_case values ('x', 'x', 1, 99)"),
    ),
    expected: ok(
      done(),
      done(),
      done({ affected: 1, rowid: '1' }),
      failed('SQLITE_CONSTRAINT', 'SQLite error: UNIQUE constraint failed: constraint_case.a'),
      failed('SQLITE_CONSTRAINT', 'SQLite error: UNIQUE constraint failed: constraint_case.b'),
      failed('SQLITE_CONSTRAINT', 'SQLite error: NOT NULL constraint failed: constraint_case.c'),
      failed('SQLITE_CONSTRAINT', 'SQLite error: CHECK constraint failed: c > 0'),
      failed('SQLITE_CONSTRAINT', 'SQLite error: FOREIGN KEY constraint failed'),
      closed,
    ),
  },
  {
    name: 'rows affected and the last row id are told for changes only',
    run: once(
      execute('create table counts_case (a integer primary key, b)'),
      execute('insert into counts_case values (7, 1), (8, 1)'),
      execute('update counts_case set b = 1'),
      execute('update counts_case set b = 2 where a = 99'),
      execute('select count(*) n from counts_case'),
      execute('with x as (select 20 n) insert into counts_case select n, 1 from x'),
      execute('replace into counts_case values (20, 2)'),
      execute('insert into counts_case values (20, 3) on conflict do update set b = excluded.b'),
      execute('insert or ignore into counts_case values (20, 4)'),
      execute('insert into counts_case (b) values (5) returning a, b'),
      execute('delete from counts_case where a < 20 returning a'),
    ),
    expected: ok(
      done(),
      done({ affected: 2, rowid: '8' }),
      done({ affected: 2 }),
      done({ affected: 0 }),
      done({ cols: ['n'], rows: [[integer(2)]] }),
      done({ affected: 1, rowid: '20' }),
      done({ affected: 1, rowid: '20' }),
      done({ affected: 1, rowid: '20' }),
      done({ affected: 0, rowid: '20' }),
      done({ cols: [['a', 'INTEGER'], 'b'], rows: [[integer(21), integer(5)]], affected: 1, rowid: '21' }),
      done({ cols: [['a', 'INTEGER']], rows: [[integer(7)], [integer(8)]], affected: 2 }),
      closed,
    ),
  },
  {
    name: 'a statement sees changes() of the one before it',
    run: once(
      execute('create table changes_case (a)'),
      batch(
        'insert into changes_case values (1)',
        'insert into changes_case select 2 where changes() = 1',
        'update changes_case set a = 3 where a = 99',
        'insert into changes_case select 4 where changes() = 1',
      ),
      execute('select a from changes_case'),
    ),
    expected: ok(
      done(),
      {
        type: 'ok',
        response: {
          type: 'batch',
          result: {
            step_results: [
              stmtResult({ affected: 1, rowid: '1' }),
              stmtResult({ affected: 1, rowid: '2' }),
              stmtResult({ affected: 0 }),
              stmtResult({ affected: 0, rowid: '2' }),
            ],
            step_errors: [null, null, null, null],
          },
        },
      },
      done({ cols: ['a'], rows: [[integer(1)], [integer(2)]] }),
      closed,
    ),
  },
  {
    name: 'a batch runs the steps whose conditions hold',
    run: once(
      batch(
        'select 1 a',
        'select nothing_such',
        { sql: 'select 3 a', condition: { type: 'ok', step: 0 } },
        { sql: 'select 4 a', condition: { type: 'ok', step: 1 } },
        { sql: 'select 5 a', condition: { type: 'error', step: 1 } },
        { sql: 'select 6 a', condition: { type: 'error', step: 3 } },
        { sql: 'select 7 a', condition: { type: 'not', cond: { type: 'ok', step: 3 } } },
        {
          sql: 'select 8 a',
          condition: {
            type: 'and',
            conds: [
              { type: 'ok', step: 0 },
              { type: 'error', step: 1 },
            ],
          },
        },
        {
          sql: 'select 9 a',
          condition: {
            type: 'or',
            conds: [
              { type: 'ok', step: 1 },
              { type: 'ok', step: 3 },
            ],
          },
        },
        { sql: 'select 10 a', condition: { type: 'and', conds: [] } },
        { sql: 'select 11 a', condition: { type: 'or', conds: [] } },
      ),
    ),
    expected: ok(
      {
        type: 'ok',
        response: {
          type: 'batch',
          result: {
            step_results: [1, null, 3, null, 5, 6, 7, 8, null, 10, null].map((n) =>
              n === null ? null : stmtResult({ cols: ['a'], rows: [[integer(n)]] }),
            ),
            step_errors: Array.from({ length: 11 }, (_, index) =>
              index === 1 ? { code: 'SQL_INPUT_ERROR', message: noSuchColumn } : null,
            ),
          },
        },
      },
      closed,
    ),
  },
  {
    name: 'a batch can ask whether a transaction is open',
    run: once(
      batch(
        { sql: 'select 1 a', condition: { type: 'is_autocommit' } },
        'begin',
        { sql: 'select 2 a', condition: { type: 'is_autocommit' } },
        { sql: 'rollback', condition: { type: 'not', cond: { type: 'is_autocommit' } } },
      ),
    ),
    expected: ok(
      {
        type: 'ok',
        response: {
          type: 'batch',
          result: {
            step_results: [stmtResult({ cols: ['a'], rows: [[integer(1)]] }), stmtResult({}), null, stmtResult({})],
            step_errors: [null, null, null, null],
          },
        },
      },
      closed,
    ),
  },
  {
    name: 'a batch made as the driver makes it is all or nothing',
    run: once(
      execute('create table atomic_case (a unique)'),
      batch(
        'begin immediate',
        { sql: 'insert into atomic_case values (1)', condition: { type: 'ok', step: 0 } },
        { sql: 'insert into atomic_case values (1)', condition: { type: 'ok', step: 1 } },
        { sql: 'commit', condition: { type: 'ok', step: 2 } },
        { sql: 'rollback', condition: { type: 'not', cond: { type: 'ok', step: 3 } } },
      ),
      execute('select count(*) n from atomic_case'),
    ),
    expected: ok(
      done(),
      {
        type: 'ok',
        response: {
          type: 'batch',
          result: {
            step_results: [stmtResult({}), stmtResult({ affected: 1, rowid: '1' }), null, null, stmtResult({})],
            step_errors: [
              null,
              null,
              { code: 'SQLITE_CONSTRAINT', message: 'SQLite error: UNIQUE constraint failed: atomic_case.a' },
              null,
              null,
            ],
          },
        },
      },
      done({ cols: ['n'], rows: [[integer(0)]] }),
      closed,
    ),
  },
  {
    name: 'a sequence runs up to the first statement that fails, triggers and all',
    run: once(
      {
        type: 'sequence',
        sql: `create table sequence_case (a);
          create trigger sequence_trigger after insert on sequence_case begin
            update sequence_case set a = a + 1; select case when 1 then 2 end;
          end;
          insert into sequence_case values (1)`,
      },
      {
        type: 'sequence',
        sql: 'insert into sequence_case values (2); insert into nowhere values (3); insert into sequence_case values (4)',
      },
      { type: 'sequence', sql: '' },
      execute('select a from sequence_case'),
    ),
    expected: ok(
      { type: 'ok', response: { type: 'sequence' } },
      failed('SQLITE_UNKNOWN', 'SQLite error: no such table: nowhere'),
      { type: 'ok', response: { type: 'sequence' } },
      done({ cols: ['a'], rows: [[integer(3)], [integer(3)]] }),
      closed,
    ),
  },
  {
    name: 'a statement can be described without being run',
    run: once(
      execute('create table describe_case (a integer primary key, b text)'),
      { type: 'describe', sql: 'select a, b x, ?, :name, ?5 from describe_case' },
      { type: 'describe', sql: 'insert into describe_case values (1, :b)' },
      { type: 'describe', sql: 'explain select 1' },
      execute('select count(*) n from describe_case'),
    ),
    expected: ok(
      done(),
      {
        type: 'ok',
        response: {
          type: 'describe',
          result: {
            params: [{ name: null }, { name: ':name' }, { name: null }, { name: null }, { name: '?5' }],
            cols: [
              { name: 'a', decltype: 'INTEGER' },
              { name: 'x', decltype: 'TEXT' },
              { name: '?', decltype: null },
              { name: ':name', decltype: null },
              { name: '?5', decltype: null },
            ],
            is_explain: false,
            is_readonly: true,
          },
        },
      },
      {
        type: 'ok',
        response: {
          type: 'describe',
          result: { params: [{ name: ':b' }], cols: [], is_explain: false, is_readonly: false },
        },
      },
      {
        type: 'ok',
        response: {
          type: 'describe',
          result: { params: [], cols: anyList, is_explain: true, is_readonly: true },
        },
      },
      done({ cols: ['n'], rows: [[integer(0)]] }),
      closed,
    ),
  },
  {
    name: 'texts can be stored on a stream and run by number',
    run: async (openStream) => {
      const stream = openStream()
      return [
        await stream.send({ type: 'store_sql', sql_id: 1, sql: 'select 5 a' }),
        await stream.send({ type: 'execute', stmt: { sql_id: 1 } }, { type: 'close_sql', sql_id: 1 }),
        await stream.send({ type: 'execute', stmt: { sql_id: 1 } }),
      ]
    },
    expected: [
      open({ type: 'ok', response: { type: 'store_sql' } }),
      open(done({ cols: ['a'], rows: [[integer(5)]] }), { type: 'ok', response: { type: 'close_sql' } }),
      refused('SQL text 1 not found'),
    ],
  },
  {
    name: 'rows are left out when they are not wanted',
    run: once({ type: 'execute', stmt: { sql: 'select 1 a', want_rows: false } }),
    expected: ok(done({ cols: ['a'] }), closed),
    onSqld: {
      because: 'sqld sends them all the same; the specification says that it may leave them out',
      expected: ok(done({ cols: ['a'], rows: [[integer(1)]] }), closed),
    },
  },
  {
    name: 'version 2 has neither get_autocommit nor is_autocommit',
    run: async (openStream) => [
      await openStream(2).send({ type: 'get_autocommit' }),
      await openStream(2).send(batch({ sql: 'select 1', condition: { type: 'is_autocommit' } })),
      await openStream(3).send({ type: 'get_autocommit' }, close),
    ],
    expected: [
      refused('The `get_autocommit` request is only supported in protocol version hrana3 and higher'),
      refused('BatchCond of type `is_autocommit` is only supported in protocol version hrana3 and higher'),
      ok({ type: 'ok', response: { type: 'get_autocommit', is_autocommit: true } }, closed),
    ],
  },
  {
    name: 'a transaction over several requests is seen by others from its commit on',
    run: async (openStream) => {
      const [writer, reader] = [openStream(), openStream()]
      const count = execute('select count(*) n from transaction_case')
      return [
        await writer.send(execute('create table transaction_case (a)'), execute('begin immediate')),
        await writer.send(execute('insert into transaction_case values (1)'), count),
        await reader.send(count),
        await writer.send(execute('commit'), close),
        await reader.send(count, close),
      ]
    },
    expected: [
      open(done(), done()),
      open(done({ affected: 1, rowid: '1' }), done({ cols: ['n'], rows: [[integer(1)]] })),
      open(done({ cols: ['n'], rows: [[integer(0)]] })),
      ok(done(), closed),
      ok(done({ cols: ['n'], rows: [[integer(1)]] }), closed),
    ],
  },
  {
    name: 'a stream that is closed in a transaction leaves nothing',
    run: async (openStream) => [
      await openStream().send(
        execute('create table abandoned_case (a)'),
        execute('begin'),
        execute('insert into abandoned_case values (1)'),
        close,
      ),
      await openStream().send(execute('insert into abandoned_case values (2)'), close),
      await openStream().send(execute('select a from abandoned_case'), close),
    ],
    expected: [
      ok(done(), done(), done({ affected: 1, rowid: '1' }), closed),
      ok(done({ affected: 1, rowid: '1' }), closed),
      ok(done({ cols: ['a'], rows: [[integer(2)]] }), closed),
    ],
  },
  {
    name: 'transactions do not nest, savepoints do',
    run: once(
      execute('commit'),
      execute('begin'),
      execute('begin'),
      execute('savepoint a'),
      execute('rollback to a'),
      execute('release a'),
      execute('rollback'),
    ),
    expected: ok(
      failed('SQLITE_UNKNOWN', 'SQLite error: cannot commit - no transaction is active'),
      done(),
      failed('SQLITE_UNKNOWN', 'SQLite error: cannot start a transaction within a transaction'),
      done(),
      done(),
      done(),
      done(),
      closed,
    ),
  },
  {
    name: 'a baton is good for one request',
    run: async (openStream) => {
      const [stream, copy, closing] = [openStream(), openStream(), openStream()]
      const first = await stream.send(execute('select 1 a'))
      copy.baton = stream.baton
      return [
        first,
        await stream.send(execute('select 2 a')),
        await copy.send(execute('select 3 a')),
        await stream.send(execute('select 4 a'), close),
        await closing.send(close, execute('select 5 a')),
      ]
    },
    expected: [
      open(done({ cols: ['a'], rows: [[integer(1)]] })),
      open(done({ cols: ['a'], rows: [[integer(2)]] })),
      refused('Received a baton that has already been used'),
      ok(done({ cols: ['a'], rows: [[integer(4)]] }), closed),
      refused('Stream for this baton was closed'),
    ],
  },
  {
    name: 'a baton that was never given is refused',
    run: async (openStream) => {
      const stream = openStream()
      stream.baton = 'bm90IGEgYmF0b24'
      return stream.send(execute('select 1'))
    },
    expected: refused('Received an invalid baton'),
  },
  {
    name: 'what breaks the protocol is refused whole',
    run: (openStream) =>
      Promise.all(
        [
          '{',
          '[]',
          '{"requests":[{"type":"nope"}]}',
          '{"requests":[{"type":"execute","stmt":{"sql":"select ?","args":[{"type":"integer","value":5}]}}]}',
          '{"requests":[{"type":"execute","stmt":{"sql":"select ?","args":[{"type":"integer","value":"99999999999999999999"}]}}]}',
          '{"requests":[{"type":"execute","stmt":{"sql":"select ?","args":[{"type":"text","value":"\\ud800"}]}}]}',
          '{"requests":[{"type":"execute","stmt":{"sql":"select ?","args":[{"type":"blob","base64":"%%"}]}}]}',
        ].map((body) => openStream().sendText(body)),
      ),
    expected: Array.from({ length: 7 }, () =>
      refused(expect.stringContaining('Cannot deserialize client message from JSON: ')),
    ),
  },
  {
    name: 'a condition on a step that is not before it is refused',
    run: (openStream) => openStream().send(batch({ sql: 'select 1', condition: { type: 'ok', step: 0 } })),
    expected: refused('Invalid reference to step in a batch condition'),
  },
  {
    name: 'statements that reach beyond the database or change the connection are refused',
    run: once(
      execute("attach '/tmp/other.db' as other"),
      execute('vacuum'),
      execute("vacuum into '/tmp/other.db'"),
      execute('create temp table refused_case (a)'),
      execute('pragma journal_mode = delete'),
      execute('pragma synchronous = off'),
      execute('pragma writable_schema = on'),
      execute('pragma temp_store_directory = "/tmp"'),
    ),
    expected: ok(...Array.from({ length: 8 }, () => unsupported), closed),
  },
  {
    name: 'extensions can not be loaded',
    run: once(execute("select load_extension('evil')")),
    expected: ok(failed('SQLITE_UNKNOWN', 'SQLite error: not authorized'), closed),
  },
  {
    name: 'foreign keys are on, and off only for the stream that asked',
    run: async (openStream) => [
      await openStream().send(
        execute('pragma foreign_keys'),
        execute('pragma foreign_keys = off'),
        execute('pragma foreign_keys'),
        close,
      ),
      await openStream().send(execute('pragma foreign_keys'), close),
    ],
    expected: [
      ok(
        done({ cols: ['foreign_keys'], rows: [[integer(1)]] }),
        done(),
        done({ cols: ['foreign_keys'], rows: [[integer(0)]] }),
        closed,
      ),
      ok(done({ cols: ['foreign_keys'], rows: [[integer(1)]] }), closed),
    ],
  },
  {
    name: 'the catalogue can be read',
    run: once(
      execute('create table catalogue_case (a integer primary key, b text not null default 1)'),
      execute('pragma table_info(catalogue_case)'),
      execute("select type, name from sqlite_master where tbl_name = 'catalogue_case'"),
    ),
    expected: ok(
      done(),
      done({
        cols: ['cid', 'name', 'type', 'notnull', 'dflt_value', 'pk'],
        rows: [
          [integer(0), text('a'), text('INTEGER'), integer(0), nothing, integer(1)],
          [integer(1), text('b'), text('TEXT'), integer(1), text('1'), integer(0)],
        ],
      }),
      done({
        cols: [
          ['type', 'TEXT'],
          ['name', 'TEXT'],
        ],
        rows: [[text('table'), text('catalogue_case')]],
      }),
      closed,
    ),
  },
  {
    name: 'a writer waits for the one before it',
    run: async (openStream) => {
      const [first, second] = [openStream(), openStream()]
      await first.send(execute('create table waiting_case (a)'), execute('begin immediate'))
      const waiting = second.send(execute('insert into waiting_case values (2)'), close)
      const order: string[] = []
      const noted = waiting.then(() => order.push('second'))
      await first.send(execute('insert into waiting_case values (1)'))
      order.push('first')
      await first.send(execute('commit'), close)
      await noted
      return [order, await waiting]
    },
    expected: [['first', 'second'], ok(done({ affected: 1, rowid: '2' }), closed)],
  },
  {
    name: 'a transaction that has read an older state can not write: SQLITE_BUSY at once',
    run: async (openStream) => {
      const [reader, writer] = [openStream(), openStream()]
      await reader.send(
        execute('create table snapshot_case (a)'),
        execute('begin'),
        execute('select * from snapshot_case'),
      )
      await writer.send(execute('insert into snapshot_case values (1)'), close)
      return reader.send(execute('insert into snapshot_case values (2)'), execute('rollback'), close)
    },
    expected: ok(failed('SQLITE_BUSY', 'SQLite error: database is locked'), done(), closed),
  },
]

/** Cases that take as long as sqld's own limits: 5 s for the write lock, 10 s for a stream. */
export const slowHranaCases: readonly HranaCase[] = [
  {
    name: 'a write lock is taken from a stream that idles with it for 5 s',
    run: async (openStream) => {
      const [idler, writer] = [openStream(), openStream()]
      await idler.send(execute('create table taken_case (a)'), execute('begin immediate'))
      await idler.send(execute('insert into taken_case values (1)'))
      return [
        await writer.send(execute('insert into taken_case values (2)'), close),
        await idler.send(
          execute('insert into taken_case values (3)'),
          execute('insert into taken_case values (4)'),
          close,
        ),
        await openStream().send(execute('select a from taken_case'), close),
      ]
    },
    expected: [
      ok(done({ affected: 1, rowid: '1' }), closed),
      ok(
        failed('TRANSACTION_TIMEOUT', 'Transaction timed out'),
        failed('TRANSACTION_TIMEOUT', 'Transaction timed out'),
        closed,
      ),
      ok(done({ cols: ['a'], rows: [[integer(2)]] }), closed),
    ],
    onSqld: {
      because:
        'sqld fails one statement of the lost transaction and commits the next by itself; the gateway fails all of them, up to the ROLLBACK',
      expected: [
        ok(done({ affected: 1, rowid: '1' }), closed),
        ok(failed('TRANSACTION_TIMEOUT', 'Transaction timed out'), done({ affected: 1, rowid: '2' }), closed),
        ok(done({ cols: ['a'], rows: [[integer(2)], [integer(4)]] }), closed),
      ],
    },
  },
  {
    name: 'a stream without a request for 10 s has expired',
    run: async (openStream) => {
      const stream = openStream()
      await stream.send(execute('select 1'))
      await new Promise((resolve) => setTimeout(resolve, 12_000))
      return stream.send(execute('select 1'))
    },
    expected: refused({ message: 'The stream has expired due to inactivity', code: 'STREAM_EXPIRED' }),
  },
]

/** What only the gateway does, each with its reason. */
export const gatewayOnlyHranaCases: readonly HranaCase[] = [
  {
    name: 'text with a NUL character is refused, because the native binding would cut it there',
    run: once(execute('select ?', text('a\0b')), execute('select 1 -- \0')),
    expected: ok(
      failed('ARGS_INVALID', 'Arguments do not match SQL parameters: text with a NUL character is not supported'),
      parseError,
      closed,
    ),
  },
]
