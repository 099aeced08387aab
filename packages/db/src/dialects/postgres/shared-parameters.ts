import { Column, Param, Placeholder, is } from 'drizzle-orm'

interface Built {
  readonly sql: string
  readonly params: unknown[]
}

/**
 * The statement with one parameter for each name and encoding, where the builder gives every mention its own: a claim
 * names its caller and its moment some sixty times, and each value is encoded, sent and parsed.
 */
export function withSharedParameters({ sql: text, params }: Built): Built {
  const shared: unknown[] = []
  const numbers = params.map((parameter) => {
    const known = shared.findIndex((other) => isSame(other, parameter))
    return known < 0 ? shared.push(parameter) : known + 1
  })
  if (shared.length === params.length) return { sql: text, params }
  return {
    sql: text.replaceAll(/\$(\d+)/g, (_place, number: string) => `$${numbers[Number(number) - 1]}`),
    params: shared,
  }
}

function isSame(one: unknown, other: unknown): boolean {
  return (
    is(one, Param) &&
    is(other, Param) &&
    is(one.value, Placeholder) &&
    is(other.value, Placeholder) &&
    one.value.name === other.value.name &&
    typeOf(one) === typeOf(other)
  )
}

/** A kit encodes by the type, and the server knows a parameter by one type. */
function typeOf({ encoder }: Param): string {
  return is(encoder, Column) ? encoder.getSQLType() : 'as it is'
}
