import * as z from 'zod'
import { laterSchemaOf } from '../documented-as.ts'
import { propertyDescriptions } from './descriptions.ts'

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
      override({ zodSchema, jsonSchema }) {
        const later = laterSchemaOf(zodSchema)
        if (later !== undefined) Object.assign(jsonSchema, itemSchema(later))
        if (jsonSchema.type !== 'object' || jsonSchema.properties === undefined) return
        if (io === 'input') jsonSchema.additionalProperties = false
        else delete jsonSchema.additionalProperties
      },
    })
    const { $schema: _, $defs = {}, ...own } = shared(written)
    for (const [name, definition] of Object.entries(asRecord($defs))) {
      this.components[name] = described(asRecord(definition), name)
    }
    return described(own)
  }
}

function itemSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...own } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return own
}

/** The schema with its references led to the document's components, and without the ids that they came from. */
function shared(schema: object): JsonSchema {
  const text = JSON.stringify(schema, (name, value: unknown) =>
    name === 'id' && typeof value === 'string' ? undefined : value,
  )
  return asRecord(JSON.parse(text.replaceAll(`"${localDefinitions}`, `"${sharedDefinitions}`)))
}

/**
 * The schema with a description for each property that has none. An object of any members says so, since generators
 * take an object without members for an empty one.
 */
export function described(schema: JsonSchema, component?: string): JsonSchema {
  const isOpen = schema['type'] === 'object' && !('properties' in schema) && !('additionalProperties' in schema)
  return Object.fromEntries(
    Object.entries(isOpen ? { ...schema, additionalProperties: true } : schema).map(([name, value]) => {
      if (name === 'properties') return [name, describedProperties(asRecord(value), component)]
      if (Array.isArray(value)) return [name, value.map((item: unknown) => (isRecord(item) ? described(item) : item))]
      return [name, isRecord(value) && name !== 'default' ? described(value) : value]
    }),
  )
}

function describedProperties(properties: JsonSchema, component: string | undefined): JsonSchema {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      const description = propertyDescriptions[`${component ?? ''}.${name}`] ?? propertyDescriptions[name]
      const written = described(asRecord(property))
      return [name, description === undefined || '$ref' in written ? written : { description, ...written }]
    }),
  )
}

function isRecord(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asRecord(value: unknown): JsonSchema {
  if (typeof value !== 'object' || value === null) throw new TypeError('a JSON Schema is an object here')
  return { ...value }
}
