import { createHash } from 'node:crypto'

/** Of a text that is sent for the first time no more is known than that it may be the last time. */
const neverNamed = ''

/** Beyond these all are forgotten: a text may hold as many places as a caller has values. */
const mostTexts = 1000
/** Each costs the server memory, once for each connection. */
const mostNames = 300

/**
 * Names for the texts that are sent again and again, so that the server parses and plans each once for a connection. A
 * text's name is made of it: a pooler hands connections on with what another process has prepared on them, and a name
 * that two texts had would run the wrong one.
 */
export class StatementNames {
  readonly #names = new Map<string, string>()
  #count = 0
  #isOff = false

  /** The text's name from its second use on. */
  nameOf(text: string): string | undefined {
    if (this.#isOff) return undefined
    const known = this.#names.get(text)
    if (known !== undefined && known !== neverNamed) return known
    if (known === undefined || this.#count >= mostNames) {
      if (this.#names.size >= mostTexts) this.#forgetUnnamed()
      this.#names.set(text, neverNamed)
      return undefined
    }
    this.#count += 1
    const name = `millrace_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
    this.#names.set(text, name)
    return name
  }

  /** For servers behind a pooler that lends another connection to each transaction: there no name is found again. */
  turnOff(): void {
    this.#isOff = true
  }

  #forgetUnnamed(): void {
    for (const [text, name] of this.#names) if (name === neverNamed) this.#names.delete(text)
  }
}
