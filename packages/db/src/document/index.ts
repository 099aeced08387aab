import { BodyReader, type ScanOptions } from './body.ts'
import { openBrace } from './characters.ts'
import { brand, DocumentMember, type DocumentText, type Member, type Members } from './member.ts'
import { deepestWithSecrets, JsonScanner, type DocumentProblem, type ScannedValue, type ValueRules } from './scanner.ts'
import { encodeText } from './encoding.ts'
import type { JsonTokens } from './tokens.ts'

export type { DocumentText, Member, Members } from './member.ts'
export type { DocumentProblem } from './scanner.ts'

export interface Malformed {
  readonly ok: false
  readonly problem: 'malformed'
  readonly message: string
}

/** `malformed` → 400 `malformed_json`; `not_object` is JSON of another kind → 422 at the pointer ``. */
export type ScannedBody =
  | Malformed
  | { readonly ok: false; readonly problem: 'not_object'; readonly message: string }
  | { readonly ok: true; readonly members: Members }

/** Reads a request body in one pass: its members' exact texts, and all that the portable rules refuse in them. */
export function scanBody(
  body: Uint8Array | string,
  documentFields: ReadonlySet<string>,
  options: ScanOptions = {},
): ScannedBody {
  const read = encodeText(body)
  if (typeof read === 'string') return { ok: false, problem: 'malformed', message: read }
  const scanner = new JsonScanner(read)
  const { tokens } = scanner
  tokens.skipWhiteSpace()
  if (tokens.peek() !== openBrace) {
    const value = scanner.value('', { mayHoldSecrets: true, isBody: false })
    if (value === undefined || !isAtEnd(tokens)) return malformed(tokens)
    return { ok: false, problem: 'not_object', message: 'must be an object' }
  }
  const members = new BodyReader(scanner, documentFields, options).body()
  return members === undefined || !isAtEnd(tokens) ? malformed(tokens) : { ok: true, members }
}

/**
 * Reads a request body that is itself the document: a merge patch of settings, with secrets as in `secretFields`. A
 * member that the body itself has twice, and `__proto__` of the body itself, are malformed.
 */
export function scanDocumentBody(
  body: Uint8Array | string,
): Malformed | { readonly ok: true; readonly member: Member } {
  const read = encodeText(body)
  if (typeof read === 'string') return { ok: false, problem: 'malformed', message: read }
  const scanner = new JsonScanner(read)
  const value = wholeValue(scanner, { mayHoldSecrets: true, isBody: true, deepest: deepestWithSecrets })
  return value === undefined ? malformed(scanner.tokens) : { ok: true, member: new DocumentMember(read.text, value) }
}

export type CheckedDocument =
  | { readonly ok: true; readonly text: DocumentText }
  | Malformed
  | { readonly ok: false; readonly problem: 'refused'; readonly problems: readonly DocumentProblem[] }

/** Checks a text that is one document (a file, a column) and takes off the white space around it. */
export function checkDocument(
  source: Uint8Array | string,
  { mayHoldSecrets }: { readonly mayHoldSecrets: boolean } = { mayHoldSecrets: false },
): CheckedDocument {
  const read = encodeText(source)
  if (typeof read === 'string') return { ok: false, problem: 'malformed', message: read }
  const scanner = new JsonScanner(read)
  const value = wholeValue(scanner, { mayHoldSecrets, isBody: false })
  if (value === undefined) return malformed(scanner.tokens)
  if (value.problems.length > 0) return { ok: false, problem: 'refused', problems: value.problems }
  return { ok: true, text: brand(read.text.slice(value.start, value.end)) }
}

/** Whether a document is an object. */
export function isObjectText(text: DocumentText): boolean {
  return text.charCodeAt(0) === openBrace
}

function wholeValue(scanner: JsonScanner, rules: ValueRules): ScannedValue | undefined {
  scanner.tokens.skipWhiteSpace()
  const value = scanner.value('', rules)
  return value !== undefined && isAtEnd(scanner.tokens) ? value : undefined
}

function isAtEnd(tokens: JsonTokens): boolean {
  tokens.skipWhiteSpace()
  return tokens.isAtEnd || tokens.fail('Expected the end of the text')
}

function malformed({ text, failure }: JsonTokens): Malformed {
  const { at, reason } = failure ?? { at: 0, reason: 'Expected a value' }
  const before = text.slice(0, at).split('\n')
  const column = (before.at(-1)?.length ?? 0) + 1
  return { ok: false, problem: 'malformed', message: `${reason} at line ${before.length}, column ${column}.` }
}
