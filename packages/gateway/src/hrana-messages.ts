import type { SqliteValue } from '@millrace/drivers/native/sqlite-connection'
import { isJsonObject, type JsonObject } from './json.ts'

/** Hrana over HTTP, JSON encoding: docs/HRANA_3_SPEC.md of tursodatabase/libsql. */
export interface PipelineRequest {
  readonly baton: string | undefined
  readonly requests: readonly StreamRequest[]
}

export type StreamRequest =
  | { readonly type: 'close' | 'get_autocommit' }
  | { readonly type: 'execute'; readonly stmt: Stmt }
  | { readonly type: 'batch'; readonly steps: readonly BatchStep[] }
  | { readonly type: 'sequence' | 'describe'; readonly text: SqlReference }
  | { readonly type: 'store_sql'; readonly sqlId: number; readonly sql: string }
  | { readonly type: 'close_sql'; readonly sqlId: number }

export interface SqlReference {
  readonly sql: string | undefined
  readonly sqlId: number | undefined
}

export interface Stmt {
  readonly text: SqlReference
  readonly args: readonly SqliteValue[]
  readonly namedArgs: readonly { readonly name: string; readonly value: SqliteValue }[]
  readonly wantRows: boolean
}

export interface BatchStep {
  readonly condition: BatchCondition | undefined
  readonly stmt: Stmt
}

export type BatchCondition =
  | { readonly type: 'ok' | 'error'; readonly step: number }
  | { readonly type: 'not'; readonly cond: BatchCondition }
  | { readonly type: 'and' | 'or'; readonly conds: readonly BatchCondition[] }
  | { readonly type: 'is_autocommit' }

/** The client broke the protocol: 400 with a text, and the stream is closed. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation'
}

/** Throws ProtocolViolation, also where there are more than `maxStatements` in it. */
export function readPipeline(body: JsonObject, maxStatements: number): PipelineRequest {
  const { baton } = body
  const requests = list(body['requests'], 'requests').map(readStreamRequest)
  if (requests.reduce((sum, request) => sum + statementsIn(request), 0) > maxStatements) {
    throw malformed(`a request takes at most ${maxStatements} statements`)
  }
  return { baton: baton === undefined || baton === null ? undefined : text(baton, 'baton'), requests }
}

function statementsIn(request: StreamRequest): number {
  return request.type === 'batch' ? request.steps.length : 1
}

function readStreamRequest(value: unknown): StreamRequest {
  const request = object(value, 'request')
  const type = text(request['type'], 'type')
  switch (type) {
    case 'close':
    case 'get_autocommit':
      return { type }
    case 'execute':
      return { type, stmt: readStmt(request['stmt']) }
    case 'batch':
      return { type, steps: list(object(request['batch'], 'batch')['steps'], 'steps').map(readStep) }
    case 'sequence':
    case 'describe':
      return { type, text: readSqlReference(request) }
    case 'store_sql':
      return { type, sqlId: integer(request['sql_id'], 'sql_id'), sql: text(request['sql'], 'sql') }
    case 'close_sql':
      return { type, sqlId: integer(request['sql_id'], 'sql_id') }
    default:
      throw malformed(`unknown type of request`)
  }
}

function readSqlReference(value: JsonObject): SqlReference {
  const { sql, sql_id: sqlId } = value
  return {
    sql: sql === undefined || sql === null ? undefined : text(sql, 'sql'),
    sqlId: sqlId === undefined || sqlId === null ? undefined : integer(sqlId, 'sql_id'),
  }
}

function readStmt(value: unknown): Stmt {
  const stmt = object(value, 'stmt')
  const { args, named_args: namedArgs, want_rows: wantRows } = stmt
  return {
    text: readSqlReference(stmt),
    args: args === undefined || args === null ? [] : list(args, 'args').map(readValue),
    namedArgs: namedArgs === undefined || namedArgs === null ? [] : list(namedArgs, 'named_args').map(readNamedArg),
    wantRows: wantRows !== false,
  }
}

function readNamedArg(value: unknown) {
  const argument = object(value, 'named_args')
  return { name: text(argument['name'], 'name'), value: readValue(argument['value']) }
}

function readStep(value: unknown): BatchStep {
  const step = object(value, 'step')
  const { condition } = step
  return {
    condition: condition === undefined || condition === null ? undefined : readCondition(condition),
    stmt: readStmt(step['stmt']),
  }
}

function readCondition(value: unknown): BatchCondition {
  const condition = object(value, 'condition')
  const type = text(condition['type'], 'type')
  switch (type) {
    case 'ok':
    case 'error':
      return { type, step: integer(condition['step'], 'step') }
    case 'not':
      return { type, cond: readCondition(condition['cond']) }
    case 'and':
    case 'or':
      return { type, conds: list(condition['conds'], 'conds').map(readCondition) }
    case 'is_autocommit':
      return { type }
    default:
      throw malformed('unknown type of condition')
  }
}

const minInteger = -(2n ** 63n)
const maxInteger = 2n ** 63n - 1n

function readValue(value: unknown): SqliteValue {
  const wire = object(value, 'value')
  const type = text(wire['type'], 'type')
  switch (type) {
    case 'null':
      return null
    case 'integer':
      return readInteger(text(wire['value'], 'value'))
    case 'float':
      return readFloat(wire['value'])
    case 'text':
      return text(wire['value'], 'value')
    case 'blob':
      return readBlob(text(wire['base64'], 'base64'))
    default:
      throw malformed('unknown type of value')
  }
}

function readInteger(digits: string): bigint {
  const value = /^[+-]?\d+$/u.test(digits) ? BigInt(digits.replace('+', '')) : undefined
  if (value === undefined || value < minInteger || value > maxInteger) {
    throw malformed('invalid value, expected decimal integer as a string')
  }
  return value
}

function readFloat(value: unknown): number {
  if (typeof value !== 'number') throw malformed('invalid value, expected a number')
  return value
}

function readBlob(base64: string): Uint8Array {
  if (!/^[A-Za-z0-9+/]*={0,2}$/u.test(base64)) throw malformed('invalid value, expected base64')
  return Buffer.from(base64, 'base64')
}

function object(value: unknown, name: string): JsonObject {
  if (!isJsonObject(value)) throw malformed(`${name} has to be an object`)
  return value
}

function list(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(`${name} has to be an array`)
  return value
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string') throw malformed(`${name} has to be a string`)
  return value
}

function integer(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw malformed(`${name} has to be an integer`)
  return value
}

export function malformed(reason: string): ProtocolViolation {
  return new ProtocolViolation(`Cannot deserialize client message from JSON: ${reason}`)
}
