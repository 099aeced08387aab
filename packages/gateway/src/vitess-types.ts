import type { MysqlField } from '@millrace/drivers/native/mysql-connection'

const unsignedFlag = 32
const enumFlag = 256
const setFlag = 2048
/** The charset number of bytes without a charset; PlanetScale's client tells text from bytes by it, too. */
const binaryCharset = 63

const integerTypes: Readonly<Record<number, string>> = { 1: 'INT8', 2: 'INT16', 3: 'INT32', 8: 'INT64', 9: 'INT24' }

const plainTypes: Readonly<Record<number, string>> = {
  0: 'DECIMAL',
  4: 'FLOAT32',
  5: 'FLOAT64',
  6: 'NULL_TYPE',
  7: 'TIMESTAMP',
  10: 'DATE',
  11: 'TIME',
  12: 'DATETIME',
  13: 'YEAR',
  14: 'DATE',
  16: 'BIT',
  242: 'VECTOR',
  245: 'JSON',
  246: 'DECIMAL',
  247: 'ENUM',
  248: 'SET',
  255: 'GEOMETRY',
}

const stringTypes: Readonly<Record<number, { readonly text: string; readonly bytes: string }>> = {
  15: { text: 'VARCHAR', bytes: 'VARBINARY' },
  249: { text: 'TEXT', bytes: 'BLOB' },
  250: { text: 'TEXT', bytes: 'BLOB' },
  251: { text: 'TEXT', bytes: 'BLOB' },
  252: { text: 'TEXT', bytes: 'BLOB' },
  253: { text: 'VARCHAR', bytes: 'VARBINARY' },
  254: { text: 'CHAR', bytes: 'BINARY' },
}

/** Vitess's name for a column's type: go/sqltypes/const.go, `MySQLToType`. */
export function vitessType({ columnType, flags, charset }: MysqlField): string {
  const integer = integerTypes[columnType]
  if (integer !== undefined) return (flags & unsignedFlag) === 0 ? integer : `U${integer}`
  const string = stringTypes[columnType]
  if (string === undefined) return plainTypes[columnType] ?? 'VARBINARY'
  if ((flags & enumFlag) !== 0) return 'ENUM'
  if ((flags & setFlag) !== 0) return 'SET'
  return charset === binaryCharset ? string.bytes : string.text
}
