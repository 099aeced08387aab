/** JSON text that goes into an answer as it is. */
export class ExactJson {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Json =
  | string
  | number
  | boolean
  | null
  | Date
  | ExactJson
  | readonly Json[]
  | { readonly [name: string]: Json | undefined }

/** Writes JSON in which documents stand in their exact text: they are neither parsed nor written again. */
export function writeJson(value: Json): string {
  if (value instanceof ExactJson) return value.text
  if (value instanceof Date) return `"${value.toISOString()}"`
  if (isList(value)) return `[${value.map(writeJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members: string[] = []
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${writeJson(member)}`)
  }
  return `{${members.join(',')}}`
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
