import { closeBrace, closeBracket, colon, comma, openBrace, openBracket, quote } from './characters.ts'
import { DocumentMember, type ListItem, ListMember, type Member, type Members, PlainMember } from './member.ts'
import {
  deepestNesting,
  deepestWithSecrets,
  type JsonScanner,
  messages,
  pointerToKey,
  type ScannedValue,
} from './scanner.ts'
import { decodeKey, type JsonTokens } from './tokens.ts'

export interface ScanOptions {
  /**
   * Documents in which a member `$secret` may stand: settings' `data`. They may nest two containers more, which a secret
   * has of its own; how deep they are without is for the caller to tell.
   */
  readonly secretFields?: ReadonlySet<string>
  /** A member that is a list of bodies with the same `documentFields`: `items` of a batch. More items are plain. */
  readonly list?: { readonly field: string; readonly mostItems: number }
}

/** Reads the members of a request body, each by what its field is: a document, a list of bodies, or plain. */
export class BodyReader {
  private readonly scanner: JsonScanner
  private readonly tokens: JsonTokens
  private readonly documentFields: ReadonlySet<string>
  private readonly options: ScanOptions

  constructor(scanner: JsonScanner, documentFields: ReadonlySet<string>, options: ScanOptions) {
    this.scanner = scanner
    this.tokens = scanner.tokens
    this.documentFields = documentFields
    this.options = options
  }

  /** The body's own members, from its opening brace; undefined where it is malformed. */
  body(): Members | undefined {
    const members = new Map<string, Member>()
    const isWhole = this.eachMember((name) => {
      if (members.has(name)) return this.tokens.fail(messages.repeatedInBody)
      if (name === '__proto__') return this.tokens.fail(messages.prototypeInBody)
      const isList = name === this.options.list?.field && this.tokens.peek() === openBracket
      const member = isList ? this.list(name) : this.member('', name)
      if (member !== undefined) members.set(name, member)
      return member !== undefined
    })
    return isWhole ? members : undefined
  }

  private member(pointer: string, name: string): Member | undefined {
    const isDocument = this.documentFields.has(name)
    const holdsSecrets = this.options.secretFields?.has(name) === true
    const scanned = this.scanner.value(pointer + pointerToKey(name), {
      mayHoldSecrets: !isDocument || holdsSecrets,
      isBody: false,
      deepest: holdsSecrets ? deepestWithSecrets : deepestNesting,
    })
    if (scanned === undefined) return undefined
    const { text } = this.tokens
    return isDocument ? new DocumentMember(text, scanned) : new PlainMember(text, scanned)
  }

  private list(name: string): Member | undefined {
    const start = this.tokens.offset
    const items: ListItem[] = []
    const isWhole = this.eachElement(() => {
      const item = this.item(`${pointerToKey(name)}/${items.length}`, items.length)
      if (item !== undefined) items.push(item)
      return item !== undefined
    })
    return isWhole ? new ListMember(this.tokens.text.slice(start, this.tokens.offset), items) : undefined
  }

  private item(pointer: string, index: number): ListItem | undefined {
    const isBody = this.tokens.peek() === openBrace && index < (this.options.list?.mostItems ?? 0)
    if (isBody) return this.itemBody(pointer)
    const scanned = this.scanner.value(pointer, { mayHoldSecrets: true, isBody: false })
    return scanned === undefined ? undefined : { plain: new PlainMember(this.tokens.text, scanned) }
  }

  private itemBody(pointer: string): ListItem | undefined {
    const members = new Map<string, Member>()
    const isWhole = this.eachMember((name) => {
      const isRepeated = members.has(name)
      if (!isRepeated && name !== '__proto__') {
        const member = this.member(pointer, name)
        if (member !== undefined) members.set(name, member)
        return member !== undefined
      }
      const scanned = this.scanner.value(pointer, { mayHoldSecrets: true, isBody: false })
      if (scanned === undefined) return false
      members.set(name, this.refused(scanned, pointer + pointerToKey(name), isRepeated))
      return true
    })
    return isWhole ? { members } : undefined
  }

  private refused(scanned: ScannedValue, pointer: string, isRepeated: boolean): Member {
    const message = isRepeated ? messages.duplicate : messages.prototype
    return new PlainMember(this.tokens.text, { ...scanned, problems: [{ pointer, message }] })
  }

  /** Calls `read` at each member's value, which it is to pass. False where the text is malformed. */
  private eachMember(read: (name: string) => boolean): boolean {
    const { tokens } = this
    return this.each(closeBrace, 'a comma or a closing brace', () => {
      const start = tokens.offset
      if (tokens.peek() !== quote) return tokens.fail('Expected a key in double quotes')
      if (!tokens.key()) return false
      const name = decodeKey(tokens.text, start, tokens.offset)
      tokens.skipWhiteSpace()
      if (!tokens.expect(colon, 'a colon')) return false
      tokens.skipWhiteSpace()
      return read(name)
    })
  }

  private eachElement(read: () => boolean): boolean {
    return this.each(closeBracket, 'a comma or a closing bracket', read)
  }

  private each(close: number, expected: string, read: () => boolean): boolean {
    const { tokens } = this
    tokens.at++
    tokens.skipWhiteSpace()
    if (tokens.peek() === close) return tokens.expect(close, expected)
    while (read()) {
      tokens.skipWhiteSpace()
      if (tokens.peek() !== comma) return tokens.expect(close, expected)
      tokens.at++
      tokens.skipWhiteSpace()
    }
    return false
  }
}
