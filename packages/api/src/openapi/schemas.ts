import * as z from 'zod'

/** A JSON Schema, as OpenAPI 3.1 takes it. */
export type JsonSchema = Readonly<Record<string, unknown>>

const localDefinitions = '#/$defs/'
const sharedDefinitions = '#/components/schemas/'

/** Writes zod schemas as JSON Schema; those with an id stand once, among the document's components. */
export class SchemaWriter {
  readonly components: Record<string, JsonSchema> = {}

  /** What a request may hold: defaults may be absent, unknown fields are refused. */
  request(schema: z.ZodType): JsonSchema {
    return this.#write(schema, 'input')
  }

  /** What an answer holds: fields may be added. */
  answer(schema: z.ZodType): JsonSchema {
    return this.#write(schema, 'output')
  }

  #write(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const written = z.toJSONSchema(schema, {
      io,
      target: 'draft-2020-12',
      unrepresentable: 'any',
      override({ jsonSchema }) {
        if (jsonSchema.type !== 'object' || jsonSchema.properties === undefined) return
        if (io === 'input') jsonSchema.additionalProperties = false
        else delete jsonSchema.additionalProperties
      },
    })
    const { $schema: _, $defs = {}, ...own } = shared(written)
    for (const [name, definition] of Object.entries(asRecord($defs))) this.components[name] = asRecord(definition)
    return own
  }
}

/** The schema with its references led to the document's components, and without the ids that they came from. */
function shared(schema: object): JsonSchema {
  const text = JSON.stringify(schema, (name, value: unknown) =>
    name === 'id' && typeof value === 'string' ? undefined : value,
  )
  return asRecord(JSON.parse(text.replaceAll(`"${localDefinitions}`, `"${sharedDefinitions}`)))
}

function asRecord(value: unknown): JsonSchema {
  if (typeof value !== 'object' || value === null) throw new TypeError('a JSON Schema is an object here')
  return { ...value }
}
