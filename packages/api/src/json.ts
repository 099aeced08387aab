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
  return isList(value) ? `[${value.map(writeJson).join(',')}]` : writeMembers(value)
}

/**
 * Members without documents are written together: the engine takes as long for one as for five. The text is put together by
 * concatenation, so that a document is copied once, when it is sent.
 */
function writeMembers(value: { readonly [name: string]: Json | undefined }): string {
  let text = ''
  let plain: Record<string, Json | undefined> = {}
  for (const name in value) {
    const member = value[name]
    if (member === undefined || !holdsExact(member)) plain[name] = member
    else {
      text = listed(listed(text, membersIn(plain)), `${JSON.stringify(name)}:${writeJson(member)}`)
      plain = {}
    }
  }
  return `{${listed(text, membersIn(plain))}}`
}

function membersIn(plain: object): string {
  return JSON.stringify(plain).slice(1, -1)
}

function listed(text: string, more: string): string {
  return text === '' || more === '' ? text + more : `${text},${more}`
}

/** What holds none is written by the engine itself, several times as fast. */
function holdsExact(value: Json | undefined): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Date) return false
  if (value instanceof ExactJson) return true
  if (isList(value)) return value.some(holdsExact)
  for (const name in value) if (holdsExact(value[name])) return true
  return false
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
