import { decodeKey, type JsonTokens } from './tokens.ts'

/** Up to here an object's keys are compared one by one, which needs no memory of its own; beyond, through a set. */
const mostComparedKeys = 16

/** The keys of the objects that are open, so that a repeated one is found whatever its spelling. */
export class OpenKeys {
  private readonly tokens: JsonTokens
  /** Keys of all open objects, the outermost's first: where in the text their literals are, and their hashes. */
  private readonly starts: number[] = []
  private readonly ends: number[] = []
  private readonly hashes: number[] = []
  private count = 0
  /** For each level of nesting: the index of its object's first key, and all of its keys once they are many. */
  private readonly firsts: number[] = []
  private readonly sets: (Set<string> | undefined)[] = []

  constructor(tokens: JsonTokens) {
    this.tokens = tokens
  }

  openObject(level: number): void {
    this.firsts[level] = this.count
    this.sets[level] = undefined
  }

  closeObject(level: number): void {
    this.count = this.firsts[level] ?? 0
    this.sets[level] = undefined
  }

  /** Takes the key whose literal is [start, end) and was read last; false when its object has it already. */
  add(level: number, start: number, end: number): boolean {
    const set = this.sets[level]
    if (set !== undefined) return addTo(set, this.decoded(start, end))
    const hash = this.tokens.keyHash
    const first = this.firsts[level] ?? 0
    for (let index = first; index < this.count; index++) {
      if (this.hashes[index] === hash && this.isKey(index, start, end)) return false
    }
    this.starts[this.count] = start
    this.ends[this.count] = end
    this.hashes[this.count] = hash
    this.count++
    if (this.count - first > mostComparedKeys) this.sets[level] = this.setFrom(first)
    return true
  }

  private setFrom(first: number): Set<string> {
    const set = new Set<string>()
    for (let index = first; index < this.count; index++) set.add(this.keyAt(index))
    return set
  }

  private isKey(index: number, start: number, end: number): boolean {
    return this.keyAt(index) === this.decoded(start, end)
  }

  private keyAt(index: number): string {
    return this.decoded(this.starts[index] ?? 0, this.ends[index] ?? 0)
  }

  private decoded(start: number, end: number): string {
    return decodeKey(this.tokens.text, start, end)
  }
}

function addTo(set: Set<string>, key: string): boolean {
  if (set.has(key)) return false
  set.add(key)
  return true
}
