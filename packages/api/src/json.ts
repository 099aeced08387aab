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
  if (typeof value !== 'object' || value === null || value instanceof Date || !holdsExact(value)) {
    return JSON.stringify(value)
  }
  if (isList(value)) return `[${value.map(writeJson).join(',')}]`
  const members: string[] = []
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${writeJson(member)}`)
  }
  return `{${members.join(',')}}`
}

/** What holds none is written by the engine itself, several times as fast. */
function holdsExact(value: Json | undefined): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Date) return false
  if (value instanceof ExactJson) return true
  return isList(value) ? value.some(holdsExact) : Object.values(value).some(holdsExact)
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
