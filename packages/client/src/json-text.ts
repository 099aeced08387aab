declare const jsonTextBrand: unique symbol

/**
 * JSON as its exact text: white space, key order, escapes and the spelling of numbers are part of it. The API keeps
 * documents so; what a parser and a writer make of one (`1.0` → `1`) would be another document.
 */
export type JsonText = string & { readonly [jsonTextBrand]: 'JsonText' }

/** Takes text as it is. Throws a SyntaxError where it is not JSON. */
export function exactJson(text: string): JsonText {
  JSON.parse(text)
  return brand(text)
}

/** Writes a value as JSON. Throws a TypeError where JSON has nothing for it (`undefined`, a function, a bigint). */
export function toJson(value: unknown): JsonText {
  const text: unknown = JSON.stringify(value)
  if (typeof text !== 'string') throw new TypeError(`JSON has nothing for a value of type ${typeof value}`)
  return brand(text)
}

/** What JavaScript makes of a document. Numbers beyond double precision lose digits: the text has them all. */
export function parseJson(text: JsonText): unknown {
  return JSON.parse(text)
}

/** Writes an object whose members named in `documents` are JSON text already. Members that are undefined stay out. */
export function writeExact(members: object, documents: ReadonlySet<string>): JsonText {
  const written = Object.entries(members)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${JSON.stringify(name)}:${documents.has(name) ? String(value) : toJson(value)}`)
  return brand(`{${written.join(',')}}`)
}

/** Reads an object, leaving the members named in `documents` as their text. Throws a SyntaxError where it is no JSON. */
export function readExact(text: string, documents: ReadonlySet<string>): Readonly<Record<string, unknown>> {
  JSON.parse(text)
  return Object.fromEntries(
    membersOf(text).map(([name, slice]) => [name, documents.has(name) ? brand(slice) : JSON.parse(slice)]),
  )
}

/** The exact texts of an array's items. Throws a SyntaxError where the text is no JSON. */
export function itemTexts(text: string): readonly JsonText[] {
  JSON.parse(text)
  const items: JsonText[] = []
  let at = skipBlanks(text, skipBlanks(text, 0) + 1)
  while (text[at] !== ']') {
    const end = endOfValue(text, at)
    items.push(brand(text.slice(at, end)))
    at = afterComma(text, end)
  }
  return items
}

function brand(text: string): JsonText {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this is where text becomes JSON text
  return text as JsonText
}

/** The members of an object, by name and slice. From here on the text is known to be JSON. */
function membersOf(text: string): readonly (readonly [name: string, slice: string])[] {
  const members: (readonly [string, string])[] = []
  let at = skipBlanks(text, skipBlanks(text, 0) + 1)
  while (text[at] !== '}') {
    const nameEnd = endOfString(text, at)
    const start = skipBlanks(text, skipBlanks(text, nameEnd) + 1)
    const end = endOfValue(text, start)
    members.push([String(JSON.parse(text.slice(at, nameEnd))), text.slice(start, end)])
    at = afterComma(text, end)
  }
  return members
}

function afterComma(text: string, end: number): number {
  const next = skipBlanks(text, end)
  return text[next] === ',' ? skipBlanks(text, next + 1) : next
}

function skipBlanks(text: string, from: number): number {
  let at = from
  while (' \t\r\n'.includes(text[at] ?? '-')) at += 1
  return at
}

function endOfValue(text: string, start: number): number {
  const first = text[start]
  if (first === '"') return endOfString(text, start)
  if (first === '{' || first === '[') return endOfContainer(text, start)
  let at = start
  while (/[\w.+-]/.test(text[at] ?? '')) at += 1
  return at
}

function endOfContainer(text: string, start: number): number {
  let depth = 0
  let at = start
  do {
    const char = text[at]
    if (char === '"') {
      at = endOfString(text, at)
      continue
    }
    if (char === '{' || char === '[') depth += 1
    else if (char === '}' || char === ']') depth -= 1
    at += 1
  } while (depth > 0)
  return at
}

function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}
