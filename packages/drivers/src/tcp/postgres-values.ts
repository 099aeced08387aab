export type PostgresValue = string | null

/** A statement's parameter as pg sends it: as text, whose type the server takes from its place. */
export function postgresValueOf(parameter: unknown): PostgresValue {
  switch (typeof parameter) {
    case 'string':
      return parameter
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(parameter)
    default:
      if (parameter === null) return null
      throw new TypeError(`a parameter of PostgreSQL is text, not ${typeof parameter}`)
  }
}
