import { describe, expect, it } from 'vitest'
import { splitSqlite, type SqliteStatement } from './sqlite-statement.ts'

function statements(sql: string): readonly SqliteStatement[] {
  const split = splitSqlite(sql)
  if (!split.ok) throw new Error(`unsupported: ${split.unsupported}`)
  return split.statements
}

function only(sql: string): SqliteStatement {
  const [statement, second] = statements(sql)
  if (statement === undefined || second !== undefined) throw new Error('not one statement')
  return statement
}

describe('an SQL text', () => {
  it.each([
    ['', []],
    [' ; ;; -- comment\n /* another ; */ ', []],
    ['select 1', ['select 1']],
    [' select 1 ; ', ['select 1']],
    [`select ';', ";", \`;\`, [;]; select 2`, [`select ';', ";", \`;\`, [;]`, 'select 2']],
    [`select 'it''s; -- no comment'; select 2`, [`select 'it''s; -- no comment'`, 'select 2']],
    ['select 1 -- ; \n + 1; select 2', ['select 1 -- ; \n + 1', 'select 2']],
    ['select /* ; * / */ 1; select 2', ['select /* ; * / */ 1', 'select 2']],
    ["select 'never closed; select 2", ["select 'never closed; select 2"]],
    [
      'create trigger a after insert on t begin select case when 1 then 2 end; delete from t; end; select 1',
      ['create trigger a after insert on t begin select case when 1 then 2 end; delete from t; end', 'select 1'],
    ],
    ['create table trigger_like (a); select 1', ['create table trigger_like (a)', 'select 1']],
  ])('%j is split where SQLite splits it', (sql, expected) => {
    expect(statements(sql).map((statement) => statement.sql)).toEqual(expected)
  })
})

describe('a statement', () => {
  it.each([
    ['select 1', {}],
    ['values (1)', {}],
    ['with a as (select 1) select * from a', {}],
    ['insert into t values (1)', { isWrite: true, isChange: true, isInsert: true }],
    ['REPLACE into t values (1)', { isWrite: true, isChange: true, isInsert: true }],
    ['update t set a = 1', { isWrite: true, isChange: true }],
    ['delete from t', { isWrite: true, isChange: true }],
    ['with a as (delete_me) insert into t select 1', { isWrite: true, isChange: true, isInsert: true }],
    ["with a as (select 'select' b) update t set a = 1", { isWrite: true, isChange: true }],
    ['/* delete */ select "insert"', {}],
    ['create table t (a)', { isWrite: true }],
    ['drop table t', { isWrite: true }],
    ['alter table t add b', { isWrite: true }],
    ['begin', { isBegin: true }],
    ['begin deferred', { isBegin: true }],
    ['begin immediate', { isBegin: true, isWrite: true }],
    ['BEGIN EXCLUSIVE TRANSACTION', { isBegin: true, isWrite: true }],
    ['rollback', { isRollback: true }],
    ['rollback to a', {}],
    ['pragma user_version', { touchesConnection: true }],
    ['pragma user_version = 3', { touchesConnection: true, isWrite: true }],
    ['explain delete from t', { isExplain: true }],
    ['explain query plan delete from t', { isExplain: true }],
  ])('%s is known for what it does', (sql, claims) => {
    const { isWrite, isChange, isInsert, isBegin, isRollback, isExplain, touchesConnection } = only(sql)
    expect({ isWrite, isChange, isInsert, isBegin, isRollback, isExplain, touchesConnection }).toEqual({
      isWrite: false,
      isChange: false,
      isInsert: false,
      isBegin: false,
      isRollback: false,
      isExplain: false,
      touchesConnection: false,
      ...claims,
    })
  })

  it.each([
    "attach 'x' as y",
    'vacuum',
    "VACUUM INTO 'x'",
    'analyze',
    'reindex',
    'create temp table t (a)',
    'create temporary view v as select 1',
    'create table temp.t (a)',
    'create table if not exists "temp".t (a)',
    'pragma journal_mode = delete',
    'pragma main.journal_mode(delete)',
    'PRAGMA writable_schema = 1',
    'pragma wal_checkpoint',
    '/* x */ attach database ? as y',
  ])('%s is not supported', (sql) => {
    expect(splitSqlite(sql).ok).toBe(false)
  })

  it.each([
    ['select 1', []],
    ['select ?, ?', [undefined, undefined]],
    ['select ?2, ?', [undefined, '?2', undefined]],
    ['select :a, @a, $a, :a', [':a', '@a', '$a']],
    [`select ':a', "?", 1 -- ?\n, :b`, [':b']],
    ['select $a::b(c)', ['$a::b(c)']],
    ['select a?', [undefined]],
  ])('%s has the parameters that SQLite counts', (sql, expected) => {
    expect(only(sql).parameters).toEqual(expected)
  })

  it('of a megabyte is split in time', () => {
    const sql = `select '${"it''s; ".repeat(150_000)}', ${'(1), '.repeat(10_000)}1`
    expect(statements(sql)).toHaveLength(1)
  })
})
