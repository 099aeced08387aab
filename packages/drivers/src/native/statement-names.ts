import { createHash } from 'node:crypto'

export interface StatementName {
  readonly name: string
  /** The same for texts that differ in nothing but how many values or rows they have places for. */
  readonly shape: string
}

/** Of texts that were sent once, and of those that have a name: the ones that were used least recently are forgotten. */
const mostTexts = 1000
/** A longer one is not sent often, and it would be kept here and on each connection. */
const mostCharacters = 64 * 1024

/**
 * Names for the texts that are sent again and again, so that the server parses and plans each once for a connection. A
 * text's name is made of it: a pooler hands connections on with what another process has prepared on them, and a name
 * that two texts had would run the wrong one.
 */
export class StatementNames {
  readonly #named = new RecentlyUsed<StatementName>(mostTexts)
  /** By their hashes: most are never sent again. */
  readonly #sentOnce = new RecentlyUsed<true>(mostTexts)
  #isOff = false

  get isOff(): boolean {
    return this.#isOff
  }

  /** The text's name from its second use on. */
  nameOf(text: string): StatementName | undefined {
    if (this.#isOff || text.length > mostCharacters) return undefined
    const known = this.#named.get(text)
    if (known !== undefined) return known
    const hash = hashOf(text)
    // Of a text that is sent for the first time no more is known than that it may be the last time.
    if (this.#sentOnce.get(hash) === undefined) {
      this.#sentOnce.set(hash, true)
      return undefined
    }
    const name = { name: `millrace_${hash}`, shape: shapeOf(text) }
    this.#named.set(text, name)
    return name
  }

  /** For servers behind a pooler that lends another connection to each transaction: there no name is found again. */
  turnOff(): void {
    this.#isOff = true
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

/** The words that a text has, in the order of their first use: a list or a batch of any length repeats the same ones. */
function shapeOf(text: string): string {
  const words = text.match(/[^\s,()]+/g) ?? []
  return hashOf([...new Set(words.map((word) => word.replaceAll(/\d+/g, '0')))].join(' '))
}

/** Between half of and all of the most entries that were used last, in two halves: the older one is dropped as a whole. */
class RecentlyUsed<Value> {
  readonly #half: number
  #newer = new Map<string, Value>()
  #older = new Map<string, Value>()

  constructor(most: number) {
    this.#half = most / 2
  }

  get(key: string): Value | undefined {
    const found = this.#newer.get(key)
    if (found !== undefined) return found
    const older = this.#older.get(key)
    if (older !== undefined) this.set(key, older)
    return older
  }

  set(key: string, value: Value): void {
    if (this.#newer.size >= this.#half) {
      this.#older = this.#newer
      this.#newer = new Map()
    }
    this.#newer.set(key, value)
  }
}
