import * as z from 'zod'

const later = new WeakMap<object, z.ZodType>()

/**
 * A schema that takes anything, of which another one decides later: the description of the API, which is written when it is built, shows
 * that one.
 */
export function documentedAs(schema: z.ZodType): z.ZodUnknown {
  const anything = z.unknown()
  later.set(anything, schema)
  return anything
}

/** What a schema of {@link documentedAs} is described as; undefined of any other. */
export function laterSchemaOf(schema: object): z.ZodType | undefined {
  return later.get(schema)
}
