import { randomUUID } from 'node:crypto'
import type { MysqlField, MysqlResult } from '@millrace/drivers/native/mysql-connection'
import { isJsonObject, type JsonObject } from './json.ts'
import { vitessType } from './vitess-types.ts'

/** What a session's object says about itself. The client only hands it back. */
export interface SessionState {
  readonly id: string
  readonly isInTransaction: boolean
}

export function resultBody({ fields, rows, rowsAffected, insertId }: MysqlResult): JsonObject {
  return {
    ...(fields.length === 0 ? {} : { fields: fields.map(fieldBody) }),
    ...(rows.length === 0 ? {} : { rows: rows.map(rowBody) }),
    ...(rowsAffected === 0n ? {} : { rowsAffected: String(rowsAffected) }),
    ...(insertId === 0n ? {} : { insertId: String(insertId) }),
  }
}

/** As protobuf's JSON has it: members that are empty or 0 are left out. */
function fieldBody(field: MysqlField): JsonObject {
  const { name, table, orgTable, database, orgName, columnLength, charset, flags, decimals } = field
  const members = {
    name,
    type: vitessType(field),
    table,
    orgTable,
    database,
    orgName,
    columnLength,
    charset,
    decimals,
    flags,
  }
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== '' && value !== 0))
}

function rowBody(row: readonly (Buffer | null)[]): JsonObject {
  const bytes = row.filter((value) => value !== null)
  return {
    lengths: row.map((value) => (value === null ? '-1' : String(value.byteLength))),
    values: Buffer.concat(bytes).toString('base64'),
  }
}

export function newSession(): SessionState {
  return { id: randomUUID(), isInTransaction: false }
}

export function sessionBody({ id, isInTransaction }: SessionState): JsonObject {
  return {
    vitessSession: {
      autocommit: true,
      ...(isInTransaction ? { inTransaction: true } : {}),
      options: { includedFields: 'ALL' },
      SessionUUID: id,
    },
  }
}

/** A session that the gateway can't read is as none: outside a transaction it holds nothing. */
export function readSession(value: unknown): SessionState {
  const session = isJsonObject(value) ? value['vitessSession'] : undefined
  if (!isJsonObject(session) || typeof session['SessionUUID'] !== 'string') return newSession()
  return { id: session['SessionUUID'], isInTransaction: session['inTransaction'] === true }
}
