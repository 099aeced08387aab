import { closeBrace, closeBracket, colon, comma, openBrace, openBracket, quote } from './characters.ts'
import { OpenKeys } from './keys.ts'
import { decodeKey, type EncodedText, JsonTokens } from './tokens.ts'

/** What a value must keep besides JSON's grammar. All refuse U+0000, lone surrogates, duplicate keys and deep nesting. */
export interface ValueRules {
  /** Whether a member `$secret` may stand in it. */
  readonly mayHoldSecrets: boolean
  /** Whether the value is the request body itself, in which a repeated member makes the whole malformed. */
  readonly isBody: boolean
  /** Containers that may be open at once, the document's own included: {@link deepestNesting} when absent. */
  readonly deepest?: number
}

/** `pointer` is RFC 6901, from the body: `/definition/nodes/0`. */
export interface DocumentProblem {
  readonly pointer: string
  readonly message: string
}

/** `start` and `end` are indexes into the text. */
export interface ScannedValue {
  readonly start: number
  readonly end: number
  readonly problems: readonly DocumentProblem[]
  readonly isTooDeep: boolean
}

/** Containers that a document may nest, its own included. */
export const deepestNesting = 64

/** With room for a secret's own, `{ "$secret": { … } }`, where a document may hold secrets: each counts as a string. */
export const deepestWithSecrets = deepestNesting + 2

/** A value's problems end at so many, or at so many characters of pointers, so that an answer stays small. */
const mostProblems = 20
const longestPointers = 16_384

export const messages = {
  nul: 'must not hold U+0000',
  surrogate: 'must not hold a lone surrogate',
  nulKey: 'must not have U+0000 in its key',
  surrogateKey: 'must not have a lone surrogate in its key',
  depth: `must not be nested deeper than ${deepestNesting} containers`,
  duplicate: 'must not repeat a key of its object',
  prototype: 'must not be named __proto__',
  secret: 'must not be a secret: secrets belong into settings',
  repeatedInBody: 'The body has the same member before',
  prototypeInBody: 'The body has a member __proto__',
} as const

/**
 * Scans the values of one JSON text, each in one pass and without recursion: the grammar of RFC 8259 and the rules that
 * make a document portable. Time and memory are linear in the text's length, however it is nested.
 */
export class JsonScanner {
  readonly tokens: JsonTokens
  private readonly keys: OpenKeys
  private rules: ValueRules = { mayHoldSecrets: true, isBody: false }
  private deepest = deepestNesting
  private prefix = ''
  private problems: DocumentProblem[] = []
  private pointersLength = 0
  private isTooDeep = false
  /** Whether the container that is open beyond {@link deepestNesting} has been reported. */
  private isBeyondReported = false
  /** Containers open, and for each level whether it is an object. */
  private depth = 0
  private readonly isObject: boolean[] = []
  /** For each level down to the deepest allowed: the index in its array, or where its key's literal stands. */
  private readonly indexes: number[] = []
  private readonly keyStarts: number[] = []
  private readonly keyEnds: number[] = []

  constructor(text: EncodedText) {
    this.tokens = new JsonTokens(text)
    this.keys = new OpenKeys(this.tokens)
  }

  /** The value that begins at the next character; undefined where the text is not JSON. */
  value(pointer: string, rules: ValueRules): ScannedValue | undefined {
    this.rules = rules
    this.deepest = rules.deepest ?? deepestNesting
    this.prefix = pointer
    this.problems = []
    this.pointersLength = 0
    this.isTooDeep = false
    this.isBeyondReported = false
    this.depth = 0
    const start = this.tokens.offset
    if (!this.scan()) return undefined
    return { start, end: this.tokens.offset, problems: this.problems, isTooDeep: this.isTooDeep }
  }

  private scan(): boolean {
    for (;;) {
      let step = this.enterValue()
      if (step === 'complete') step = this.leaveValue()
      if (step !== 'inside') return step === 'complete'
    }
  }

  /** From a value's first character: past it, or to the first value inside it. */
  private enterValue(): Step {
    const { tokens } = this
    switch (tokens.peek()) {
      case openBrace:
        return this.enterObject()
      case openBracket:
        return this.enterArray()
      case quote:
        if (!tokens.string()) return 'failed'
        if (tokens.flaw !== undefined) this.report(messages[tokens.flaw])
        return 'complete'
      default:
        return tokens.scalar() ? 'complete' : 'failed'
    }
  }

  /** From a value's end: to the next value of its container, or past as many containers as end there. */
  private leaveValue(): Step {
    const { tokens } = this
    while (this.depth > 0) {
      tokens.skipWhiteSpace()
      const isObject = this.isObject[this.depth] === true
      const code = tokens.peek()
      if (code === comma) return isObject ? this.nextMember() : this.nextElement()
      if (code !== (isObject ? closeBrace : closeBracket)) {
        return this.failed(`Expected a comma or a closing ${isObject ? 'brace' : 'bracket'}`)
      }
      this.close()
    }
    return 'complete'
  }

  private failed(reason: string): 'failed' {
    this.tokens.fail(reason)
    return 'failed'
  }

  private enterObject(): Step {
    this.open(true)
    if (this.tokens.peek() !== closeBrace) return this.member()
    this.close()
    return 'complete'
  }

  private enterArray(): Step {
    this.open(false)
    if (this.tokens.peek() !== closeBracket) return 'inside'
    this.close()
    return 'complete'
  }

  private open(isObject: boolean): void {
    if (this.depth === this.deepest) {
      // By the first container that is one too many, though a secret's own might have been allowed in it.
      if (!this.isBeyondReported) this.report(messages.depth, deepestNesting)
      this.isBeyondReported = true
      this.isTooDeep = true
    }
    const level = ++this.depth
    this.isObject[level] = isObject
    if (level <= this.deepest) {
      this.indexes[level] = 0
      if (isObject) this.keys.openObject(level)
    }
    this.tokens.at++
    this.tokens.skipWhiteSpace()
  }

  private close(): void {
    const level = this.depth--
    if (level === deepestNesting + 1) this.isBeyondReported = false
    if (level <= this.deepest && this.isObject[level] === true) this.keys.closeObject(level)
    this.tokens.at++
  }

  private nextElement(): Step {
    if (this.depth <= this.deepest) this.indexes[this.depth] = (this.indexes[this.depth] ?? 0) + 1
    this.tokens.at++
    this.tokens.skipWhiteSpace()
    return 'inside'
  }

  private nextMember(): Step {
    this.tokens.at++
    this.tokens.skipWhiteSpace()
    return this.member()
  }

  /** A member's key and colon, up to its value. */
  private member(): Step {
    const { tokens } = this
    const start = tokens.offset
    if (tokens.peek() !== quote) return this.failed('Expected a key in double quotes')
    if (!tokens.key()) return 'failed'
    if (this.depth <= this.deepest && !this.takeKey(start, tokens.offset)) return 'failed'
    tokens.skipWhiteSpace()
    if (!tokens.expect(colon, 'a colon')) return 'failed'
    tokens.skipWhiteSpace()
    return 'inside'
  }

  private takeKey(start: number, end: number): boolean {
    const { tokens, depth } = this
    this.keyStarts[depth] = start
    this.keyEnds[depth] = end
    const isOfBody = this.rules.isBody && depth === 1
    if (tokens.flaw !== undefined) this.report(messages[`${tokens.flaw}Key`])
    if (!this.keys.add(depth, start, end)) {
      if (isOfBody) return tokens.fail(messages.repeatedInBody)
      this.report(messages.duplicate)
    } else if (this.isNamed('__proto__', start, end)) {
      if (isOfBody) return tokens.fail(messages.prototypeInBody)
      this.report(messages.prototype)
    } else if (!this.rules.mayHoldSecrets && this.isNamed('$secret', start, end)) this.report(messages.secret)
    return true
  }

  private isNamed(name: string, start: number, end: number): boolean {
    const { text, hasEscape } = this.tokens
    if (hasEscape) return decodeKey(text, start, end) === name
    return end - start === name.length + 2 && text.startsWith(name, start + 1)
  }

  /** What lies too deep is reported as that, once, and not for itself. */
  private report(message: string, levels = this.depth): void {
    if (this.depth > this.deepest || this.problems.length >= mostProblems) return
    if (this.pointersLength > longestPointers) return
    const pointer = this.pointer(levels)
    this.pointersLength += pointer.length
    this.problems.push({ pointer, message })
  }

  private pointer(levels: number): string {
    let pointer = this.prefix
    for (let level = 1; level <= levels; level++) {
      if (this.isObject[level] === true) {
        pointer += pointerToKey(decodeKey(this.tokens.text, this.keyStarts[level] ?? 0, this.keyEnds[level] ?? 0))
      } else pointer += `/${this.indexes[level] ?? 0}`
    }
    return pointer
  }
}

type Step = 'inside' | 'complete' | 'failed'

/** RFC 6901's reference token for a key, with its slash. */
export function pointerToKey(key: string): string {
  return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
