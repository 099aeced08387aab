/**
 * A document as a tree that keeps what settings keep: the order of keys and the spelling of numbers. White space and the
 * escapes of keys may change.
 */
export type DataNode = DataObject | DataArray | DataScalar | DataSecret

export interface DataObject {
  readonly kind: 'object'
  /** In order; a Map keeps integer-like keys in their place. */
  readonly members: ReadonlyMap<string, DataNode>
}

export interface DataArray {
  readonly kind: 'array'
  readonly items: readonly DataNode[]
}

/** A string, number, boolean or null in its exact text. */
export interface DataScalar {
  readonly kind: 'scalar'
  readonly text: string
}

/** A sealed secret; for depth and size it counts as its plain string. */
export interface DataSecret {
  readonly kind: 'secret'
  readonly secret: SealedSecret
}

export interface SealedSecret {
  /** Opaque name, by which a caller says that it keeps the secret. */
  readonly ref: string
  readonly hint: string
  /** `kid.iv.ciphertext`, each but the first in base64url. */
  readonly sealed: string
  /** Of the plain text as a JSON string, in UTF-8. */
  readonly plainBytes: number
}

/** The member that marks a secret. */
export const secretMember = '$secret'

const whiteSpace = /[\t\n\r ]*/y
/** Unrolled: an alternation for each character would use up the engine's stack on a long string. */
const stringText = /"[^"\\]*(?:\\.[^"\\]*)*"/y
const scalarText = /[^\t\n\r ,\]}]+/y

/**
 * Reads a text that is known to be JSON, nested at most as deep as the document rules allow. What stands in `$secret`
 * stays an object here: whether it is a secret that is sent or one that is stored is for the caller to tell.
 */
export function parseData(text: string): DataNode {
  return readNode({ text, offset: 0 })
}

interface Reader {
  readonly text: string
  offset: number
}

function take(reader: Reader, pattern: RegExp): string {
  pattern.lastIndex = reader.offset
  const [found = ''] = pattern.exec(reader.text) ?? []
  reader.offset += found.length
  return found
}

function readNode(reader: Reader): DataNode {
  take(reader, whiteSpace)
  switch (reader.text[reader.offset]) {
    case '{':
      return readObject(reader)
    case '[':
      return readArray(reader)
    case '"':
      return { kind: 'scalar', text: take(reader, stringText) }
    default:
      return { kind: 'scalar', text: take(reader, scalarText) }
  }
}

function readObject(reader: Reader): DataObject {
  const members = new Map<string, DataNode>()
  for (let isOpen = enter(reader, '}'); isOpen; isOpen = advance(reader, '}')) {
    take(reader, whiteSpace)
    const key: unknown = JSON.parse(take(reader, stringText))
    take(reader, whiteSpace)
    reader.offset += 1
    members.set(String(key), readNode(reader))
  }
  return { kind: 'object', members }
}

function readArray(reader: Reader): DataArray {
  const items: DataNode[] = []
  for (let isOpen = enter(reader, ']'); isOpen; isOpen = advance(reader, ']')) items.push(readNode(reader))
  return { kind: 'array', items }
}

/** Past the opening bracket; false when the container is empty. */
function enter(reader: Reader, end: string): boolean {
  reader.offset += 1
  take(reader, whiteSpace)
  if (reader.text[reader.offset] !== end) return true
  reader.offset += 1
  return false
}

/** Past a comma; false when it was the end. */
function advance(reader: Reader, end: string): boolean {
  take(reader, whiteSpace)
  const isEnd = reader.text[reader.offset] === end
  reader.offset += 1
  return !isEnd
}

/** Writes a tree without white space; secrets as `secretText` has them. */
export function writeData(node: DataNode, secretText: (secret: SealedSecret) => string): string {
  switch (node.kind) {
    case 'scalar':
      return node.text
    case 'secret':
      return secretText(node.secret)
    case 'array':
      return `[${node.items.map((item) => writeData(item, secretText)).join(',')}]`
    case 'object': {
      const members = [...node.members].map(([key, value]) => `${JSON.stringify(key)}:${writeData(value, secretText)}`)
      return `{${members.join(',')}}`
    }
  }
}

/** All secrets of a tree, in order. */
export function secretsIn(node: DataNode): readonly SealedSecret[] {
  switch (node.kind) {
    case 'scalar':
      return []
    case 'secret':
      return [node.secret]
    case 'array':
      return node.items.flatMap(secretsIn)
    case 'object':
      return [...node.members.values()].flatMap(secretsIn)
  }
}

/** The same tree with another node for each secret. */
export function replaceSecrets(node: DataNode, replace: (secret: SealedSecret) => DataNode): DataNode {
  switch (node.kind) {
    case 'scalar':
      return node
    case 'secret':
      return replace(node.secret)
    case 'array':
      return { kind: 'array', items: node.items.map((item) => replaceSecrets(item, replace)) }
    case 'object': {
      const members = [...node.members].map(([key, value]) => [key, replaceSecrets(value, replace)] as const)
      return { kind: 'object', members: new Map(members) }
    }
  }
}

/** The pointer, after `pointer`, of the first container that is nested deeper than `levels`; undefined where none is. */
export function containerBeyond(node: DataNode, levels: number, pointer: string): string | undefined {
  if (node.kind === 'scalar' || node.kind === 'secret') return undefined
  if (levels === 0) return pointer
  for (const [key, value] of node.kind === 'array' ? node.items.entries() : node.members) {
    const found = containerBeyond(value, levels - 1, pointerTo(pointer, key))
    if (found !== undefined) return found
  }
  return undefined
}

/** Bytes of the tree as JSON without white space, each secret as its plain string. */
export function plainBytesOf(node: DataNode): number {
  let secretBytes = 0
  const text = writeData(node, ({ plainBytes }) => {
    secretBytes += plainBytes
    return ''
  })
  return new TextEncoder().encode(text).length + secretBytes
}

/** The node that an RFC 6901 pointer leads to; undefined where there is nothing. */
export function nodeAt(node: DataNode, segments: readonly string[]): DataNode | undefined {
  const [segment, ...rest] = segments
  if (segment === undefined) return node
  if (node.kind === 'object') {
    const member = node.members.get(segment)
    return member === undefined ? undefined : nodeAt(member, rest)
  }
  if (node.kind === 'array' && /^(?:0|[1-9]\d*)$/.test(segment)) {
    const item = node.items[Number(segment)]
    return item === undefined ? undefined : nodeAt(item, rest)
  }
  return undefined
}

/** The segments of an RFC 6901 pointer; undefined when it is none. */
export function parsePointer(pointer: string): readonly string[] | undefined {
  if (pointer === '') return []
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) return undefined
  return pointer
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}

export function pointerTo(pointer: string, segment: string | number): string {
  return `${pointer}/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`
}
