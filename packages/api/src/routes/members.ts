import type { DocumentText } from '@millrace/db/document'
import type * as z from 'zod'
import { isoTime } from '../iso-time.ts'
import { ExactJson, type Json } from '../json.ts'

/** A member as JSON has it. */
type Written<Member> = Member extends Date ? string | null : Member

/** Gives of a value what the schema has, in its order, with moments as JSON has them. */
export function membersOf<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>) {
  const names = schema.keyof().options
  type Name = (typeof names)[number]
  return <Value extends Readonly<Record<Name, Json>>>(value: Value) => {
    const json: Partial<Record<Name, Json>> = {}
    for (const name of names) {
      const member: Json = value[name]
      json[name] = member instanceof Date ? isoTime(member) : member
    }
    // The names are the type's own.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return json as { readonly [Member in Name]: Written<Value[Member]> }
  }
}

/** A document in an answer, in its exact text. */
export function exact(document: DocumentText | null): ExactJson | null {
  return document === null ? null : new ExactJson(document)
}
