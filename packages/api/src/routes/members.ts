import type { DocumentText } from '@millrace/db/document'
import { pick } from '@millrace/db/sql/pick'
import type * as z from 'zod'
import { ExactJson, type Json } from '../json.ts'

/** Gives of a value what the schema has, in its order. */
export function membersOf<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>) {
  const names = schema.keyof().options
  return <Value extends Readonly<Record<(typeof names)[number], Json>>>(value: Value) => pick(value, names)
}

/** A document in an answer, in its exact text. */
export function exact(document: DocumentText | null): ExactJson | null {
  return document === null ? null : new ExactJson(document)
}
