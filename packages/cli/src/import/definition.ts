import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { checkDocument, isObjectText, type CheckedDocument, type DocumentText } from '@millrace/db/document'
import { parseMembers } from '../json.ts'
import type { Source } from './sources.ts'

/** A file as the workflow that it becomes. */
export interface Definition {
  readonly name: string
  readonly text: DocumentText
  readonly bytes: number
  /** Of the file's bytes, in hex: shows whether it is still the file that was checked. */
  readonly sha256: string
}

export type ReadDefinition =
  | { readonly ok: true; readonly definition: Definition }
  | { readonly ok: false; readonly reason: string }

const maxNameCharacters = 255

/** Reads a file and checks it against docs/contract/api.md's rules for definitions. */
export function readDefinition({ path }: Source): ReadDefinition {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    return { ok: false, reason: `It cannot be read: ${error instanceof Error ? error.message : String(error)}` }
  }
  return checkDefinition(bytes, basename(path))
}

/** The checks of readDefinition over a file's bytes. */
export function checkDefinition(bytes: Uint8Array, fileName: string): ReadDefinition {
  const checked = checkDocument(bytes)
  if (!checked.ok) return { ok: false, reason: reasonOf(checked) }
  const { text } = checked
  if (!isObjectText(text)) return { ok: false, reason: 'A definition must be an object; this is another kind of JSON.' }
  const name = nameOf(text, fileName)
  const characters = Array.from(name).length
  if (characters > maxNameCharacters) {
    return { ok: false, reason: `Its name has ${characters} characters; at most ${maxNameCharacters} are allowed.` }
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { ok: true, definition: { name, text, bytes: bytes.length, sha256 } }
}

function reasonOf(refused: Extract<CheckedDocument, { ok: false }>): string {
  if (refused.problem === 'malformed') return `It is not JSON. ${refused.message}`
  return refused.problems.map(({ pointer, message }) => `${pointer || 'It'} ${message}`).join('; ')
}

/** The `name` member where it is text and not empty, else the file's name. */
function nameOf(text: string, fileName: string): string {
  const { name } = parseMembers(text)
  if (typeof name === 'string' && name !== '') return name
  return fileName.replace(/\.json$/, '') || fileName
}
