import type { DocumentText } from '@millrace/db/document'
import { brand } from '@millrace/db/document/member'
import {
  parseData,
  secretMember,
  writeData,
  type DataNode,
  type DataObject,
  type DataScalar,
  type SealedSecret,
} from './data-tree.ts'

/** The text that the table keeps: a secret as `{"$secret":{"ref","hint","sealed","plainBytes"}}`. */
export function writeStored(node: DataNode): DocumentText {
  const text = writeData(node, ({ ref, hint, sealed, plainBytes }) =>
    JSON.stringify({ [secretMember]: { ref, hint, sealed, plainBytes } }),
  )
  // Made of the parts of a document, and of secrets that are JSON.
  return brand(text)
}

/** The text that a caller sees: a secret as `{"$secret":{"hint","ref"}}`. */
export function writeShown(node: DataNode): string {
  return writeData(node, ({ hint, ref }) => JSON.stringify({ [secretMember]: { hint, ref } }))
}

/** Reads what {@link writeStored} wrote. */
export function parseStored(text: string): DataNode {
  return withSecrets(parseData(text))
}

function withSecrets(node: DataNode): DataNode {
  switch (node.kind) {
    case 'scalar':
    case 'secret':
      return node
    case 'array':
      return { kind: 'array', items: node.items.map(withSecrets) }
    case 'object': {
      const secret = storedSecret(node)
      if (secret !== undefined) return { kind: 'secret', secret }
      return { kind: 'object', members: new Map([...node.members].map(([key, value]) => [key, withSecrets(value)])) }
    }
  }
}

function storedSecret({ members }: DataObject): SealedSecret | undefined {
  const stored = members.get(secretMember)
  if (stored?.kind !== 'object') return undefined
  const [ref, hint, sealed] = ['ref', 'hint', 'sealed'].map((name) => textOf(stored.members.get(name)))
  const plainBytes = stored.members.get('plainBytes')
  if (ref === undefined || hint === undefined || sealed === undefined) return undefined
  return { ref, hint, sealed, plainBytes: plainBytes?.kind === 'scalar' ? Number(plainBytes.text) : 0 }
}

/** The value of a string; undefined for anything else. */
export function textOf(node: DataNode | undefined): string | undefined {
  if (node?.kind !== 'scalar' || !isString(node)) return undefined
  const value: unknown = JSON.parse(node.text)
  return typeof value === 'string' ? value : undefined
}

export function isString({ text }: DataScalar): boolean {
  return text.startsWith('"')
}
