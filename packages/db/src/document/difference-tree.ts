import { closeBrace, closeBracket, comma, openBrace, openBracket, quote } from './characters.ts'
import { encodeText } from './encoding.ts'
import { decodeKey, type EncodedText, JsonTokens } from './tokens.ts'
import type { DocumentText } from './index.ts'

/** A value's number in its document: the document itself is 0, and values follow in the order of their texts. */
export type NodeIndex = number

/**
 * The values of a document, 24 bytes each, so that two documents of a megabyte and their difference fit in an isolate
 * even when every second byte is a value. Equal values have equal hashes: most unequal ones are told by these alone.
 */
export class DocumentTree {
  private readonly tokens: JsonTokens
  private readonly text: string
  private readonly starts: Int32Array
  private readonly ends: Int32Array
  private readonly hashes: Int32Array
  /** The value behind this one and all that is inside it. */
  private readonly nexts: Int32Array
  private readonly keyStarts: Int32Array
  private readonly keyEnds: Int32Array
  private count = 0

  private readonly seed: HashSeed

  /** @param seed Of both documents of a comparison: who writes them can't know which texts have equal hashes. */
  constructor(document: DocumentText, seed: HashSeed) {
    const encoded = encodeText(document)
    if (typeof encoded === 'string') throw new Error(encoded)
    const most = mostValues(encoded)
    this.tokens = new JsonTokens(encoded)
    this.text = document
    this.seed = seed
    this.starts = new Int32Array(most)
    this.ends = new Int32Array(most)
    this.hashes = new Int32Array(most)
    this.nexts = new Int32Array(most)
    this.keyStarts = new Int32Array(most)
    this.keyEnds = new Int32Array(most)
    this.read()
  }

  /** How many values there are. */
  get size(): number {
    return this.count
  }

  textOf(node: NodeIndex): string {
    return this.text.slice(this.starts[node], this.ends[node])
  }

  lengthOf(node: NodeIndex): number {
    return at(this.ends, node) - at(this.starts, node)
  }

  hashOf(node: NodeIndex): number {
    return at(this.hashes, node)
  }

  isList(node: NodeIndex): boolean {
    return this.text.charCodeAt(at(this.starts, node)) === openBracket
  }

  isObject(node: NodeIndex): boolean {
    return this.text.charCodeAt(at(this.starts, node)) === openBrace
  }

  isString(node: NodeIndex): boolean {
    return this.text.charCodeAt(at(this.starts, node)) === quote
  }

  /** The decoded key of a value in an object. */
  keyOf(node: NodeIndex): string {
    return decodeKey(this.text, at(this.keyStarts, node), at(this.keyEnds, node))
  }

  stringOf(node: NodeIndex): string {
    return decodeKey(this.text, at(this.starts, node), at(this.ends, node))
  }

  childrenOf(node: NodeIndex): readonly NodeIndex[] {
    const children: NodeIndex[] = []
    const end = at(this.nexts, node)
    for (let child = node + 1; child < end; child = at(this.nexts, child)) children.push(child)
    return children
  }

  membersOf(node: NodeIndex): ReadonlyMap<string, NodeIndex> {
    const members = new Map<string, NodeIndex>()
    for (const child of this.childrenOf(node)) members.set(this.keyOf(child), child)
    return members
  }

  /** Reads the value at the next character and all inside it, whose nesting the portable rules bound. */
  private read(): NodeIndex {
    const { tokens } = this
    const node = this.count++
    this.starts[node] = tokens.offset
    this.hashes[node] = this.readInside(node)
    this.ends[node] = tokens.offset
    this.nexts[node] = this.count
    return node
  }

  private readInside(node: NodeIndex): number {
    const { tokens } = this
    switch (tokens.peek()) {
      case openBrace:
        return this.readObject()
      case openBracket:
        return this.readList()
      case quote:
        tokens.string()
        return tokens.hasEscape ? this.hashEscaped(at(this.starts, node), tokens.offset) : this.hashFrom(node)
      default:
        tokens.scalar()
        return this.hashFrom(node)
    }
  }

  private hashFrom(node: NodeIndex): number {
    return hashText(this.text, at(this.starts, node), this.tokens.offset, this.seed)
  }

  /** As of the same string without escapes. */
  private hashEscaped(start: number, end: number): number {
    const literal = `"${decodeKey(this.text, start, end)}"`
    return hashText(literal, 0, literal.length, this.seed)
  }

  private readList(): number {
    let hash = 1
    this.readEach(closeBracket, () => {
      hash = mix(hash, this.hashOf(this.read()))
    })
    return hash
  }

  private readObject(): number {
    const { tokens } = this
    let hash = 2
    this.readEach(closeBrace, () => {
      const keyStart = tokens.offset
      tokens.key()
      const keyEnd = tokens.offset
      const keyHash = this.hashKey(keyStart, keyEnd)
      tokens.skipWhiteSpace()
      tokens.at++
      tokens.skipWhiteSpace()
      const value = this.read()
      this.keyStarts[value] = keyStart
      this.keyEnds[value] = keyEnd
      // A sum, since the order of keys is no difference.
      hash = (hash + mix(keyHash, this.hashOf(value))) | 0
    })
    return hash
  }

  private hashKey(start: number, end: number): number {
    const key = this.text.slice(start, end)
    return key.includes('\\') ? this.hashEscaped(start, end) : hashText(key, 0, key.length, this.seed)
  }

  private readEach(close: number, read: () => void): void {
    const { tokens } = this
    do {
      tokens.at++
      tokens.skipWhiteSpace()
      if (tokens.peek() !== close) read()
      tokens.skipWhiteSpace()
    } while (tokens.peek() === comma)
    if (!tokens.expect(close, 'the end')) throw new Error('A text that is branded as a document is not JSON.')
  }
}

/** Never less than there are: each value but the first follows a comma or opens its container. */
function mostValues({ bytes }: EncodedText): number {
  let most = 1
  for (const byte of bytes) if (byte === comma || byte === openBrace || byte === openBracket) most++
  return most
}

function at(numbers: Int32Array, index: number): number {
  return numbers[index] ?? 0
}

function mix(first: number, second: number): number {
  const product = Math.imul(Math.imul(first, 0x9e3779b1) ^ second, 0x85ebca6b)
  return product ^ (product >>> 15)
}

/** What a hash begins with and what it multiplies by: random, and odd. */
export interface HashSeed {
  readonly start: number
  readonly factor: number
}

export function newHashSeed(): HashSeed {
  const [start = 0, factor = 0] = crypto.getRandomValues(new Int32Array(2))
  return { start, factor: factor | 1 }
}

/** Mixed at each character: a polynomial modulo a power of two has collisions whatever its factor (Thue-Morse words). */
function hashText(text: string, start: number, end: number, seed: HashSeed): number {
  let hash = seed.start
  for (let index = start; index < end; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), seed.factor)
    hash ^= hash >>> 15
  }
  return hash
}
