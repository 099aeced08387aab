import { DocumentTree, newHashSeed, type NodeIndex } from './difference-tree.ts'
import { pointerToKey } from './scanner.ts'
import type { DocumentText } from './index.ts'

/**
 * The JSON Patch (RFC 6902) that turns document `a` into document `b`, as JSON text; its values are `b`'s exact text.
 * Numbers are equal when their text is (`1.0` is not `1`), strings when their characters are (`"\u0061"` is `"a"`);
 * white space and the order of keys are no difference.
 *
 * Objects are compared by key, arrays by their common start and end and in between element by element. Each value is
 * read once and, where equal, compared once: time and memory are linear in the two texts.
 */
export function differenceOf(a: DocumentText, b: DocumentText): string {
  if (a === b) return '[]'
  const seed = newHashSeed()
  return new Difference(new DocumentTree(a, seed), new DocumentTree(b, seed)).toString()
}

/** A container's operations may be so many times longer than putting the whole container in its place. */
const mostGrowth = 16
const alwaysAllowedLength = 65_536
/** Values looked at for each value of the two documents; beyond it what is left is replaced as a whole. */
const mostLooks = 16

class Difference {
  private readonly a: DocumentTree
  private readonly b: DocumentTree
  private readonly operations: string[] = []
  private length = 0
  /** For each value of `a` the value of `b` that it was compared with last: as `b + 1` where equal, else `-(b + 1)`. */
  private readonly compared: Int32Array
  private looksLeft: number

  constructor(a: DocumentTree, b: DocumentTree) {
    this.a = a
    this.b = b
    this.compared = new Int32Array(a.size)
    this.looksLeft = mostLooks * (a.size + b.size)
    if (!this.isEqual(0, 0)) this.change(0, 0, '')
  }

  toString(): string {
    return `[${this.operations.join(',')}]`
  }

  private isEqual(a: NodeIndex, b: NodeIndex): boolean {
    if (this.a.hashOf(a) !== this.b.hashOf(b)) return false
    const known = this.compared[a]
    if (known === b + 1) return true
    if (known === -(b + 1)) return false
    const isEqual = this.isEqualInside(a, b)
    this.compared[a] = isEqual ? b + 1 : -(b + 1)
    return isEqual
  }

  private isEqualInside(a: NodeIndex, b: NodeIndex): boolean {
    if (this.a.textOf(a) === this.b.textOf(b)) return true
    if (this.a.isString(a) && this.b.isString(b)) return this.a.stringOf(a) === this.b.stringOf(b)
    if (this.a.isList(a) && this.b.isList(b)) return this.isEqualList(a, b)
    return this.a.isObject(a) && this.b.isObject(b) && this.isEqualObject(a, b)
  }

  private isEqualList(a: NodeIndex, b: NodeIndex): boolean {
    const before = this.a.childrenOf(a)
    const after = this.b.childrenOf(b)
    if (!this.mayLookAt(before.length + after.length)) return false
    return before.length === after.length && before.every((child, index) => this.areEqual(child, after[index]))
  }

  private isEqualObject(a: NodeIndex, b: NodeIndex): boolean {
    const before = this.a.membersOf(a)
    const after = this.b.membersOf(b)
    if (before.size !== after.size || !this.mayLookAt(before.size + after.size)) return false
    for (const [key, child] of before) if (!this.areEqual(child, after.get(key))) return false
    return true
  }

  /** Where too much was looked at, values count as different: a patch may replace one by its equal. */
  private mayLookAt(values: number): boolean {
    this.looksLeft -= values
    return this.looksLeft >= 0
  }

  private areEqual(a: NodeIndex | undefined, b: NodeIndex | undefined): boolean {
    return a !== undefined && b !== undefined && this.isEqual(a, b)
  }

  /** Of two values that are not equal. */
  private change(a: NodeIndex, b: NodeIndex, path: string): void {
    const count = this.operations.length
    const { length } = this
    if (this.changeInside(a, b, path)) return
    this.operations.length = count
    this.length = length
    this.put('replace', path, b)
  }

  /** False when that can't be done or is longer than its limit. */
  private changeInside(a: NodeIndex, b: NodeIndex, path: string): boolean {
    // Long paths, repeated for each of many small changes, must not make a patch of gigabytes.
    if (this.looksLeft < 0) return false
    const limit = this.length + Math.max(alwaysAllowedLength, mostGrowth * (path.length + this.b.lengthOf(b)))
    if (this.a.isList(a) && this.b.isList(b)) return this.changeList(a, b, path, limit)
    return this.a.isObject(a) && this.b.isObject(b) && this.changeObject(a, b, path, limit)
  }

  private changeObject(a: NodeIndex, b: NodeIndex, path: string, limit: number): boolean {
    const before = this.a.membersOf(a)
    const after = this.b.membersOf(b)
    for (const [key, child] of before) {
      const changed = after.get(key)
      if (changed === undefined) this.remove(path + pointerToKey(key))
      else if (!this.isEqual(child, changed)) this.change(child, changed, path + pointerToKey(key))
      if (this.length > limit) return false
    }
    for (const [key, child] of after) {
      if (!before.has(key)) this.put('add', path + pointerToKey(key), child)
      if (this.length > limit) return false
    }
    return true
  }

  private changeList(a: NodeIndex, b: NodeIndex, path: string, limit: number): boolean {
    const before = this.a.childrenOf(a)
    const after = this.b.childrenOf(b)
    const start = this.commonStart(before, after)
    const end = this.commonEnd(before, after, start)
    const removedEnd = before.length - end
    const addedEnd = after.length - end
    const pairsEnd = Math.min(removedEnd, addedEnd)
    for (let index = start; index < pairsEnd; index++) {
      const child = before[index]
      const changed = after[index]
      if (child === undefined || changed === undefined || this.isEqual(child, changed)) continue
      this.change(child, changed, `${path}/${index}`)
      if (this.length > limit) return false
    }
    for (let index = removedEnd - 1; index >= pairsEnd && this.length <= limit; index--) this.remove(`${path}/${index}`)
    for (let index = pairsEnd; index < addedEnd && this.length <= limit; index++) {
      this.put('add', `${path}/${index}`, after[index] ?? 0)
    }
    return this.length <= limit
  }

  private commonStart(a: readonly NodeIndex[], b: readonly NodeIndex[]): number {
    let start = 0
    while (start < a.length && this.areEqual(a[start], b[start])) start++
    return start
  }

  /** Of what is behind the common start. */
  private commonEnd(a: readonly NodeIndex[], b: readonly NodeIndex[], start: number): number {
    const most = Math.min(a.length, b.length) - start
    let end = 0
    while (end < most && this.areEqual(a[a.length - 1 - end], b[b.length - 1 - end])) end++
    return end
  }

  private remove(path: string): void {
    this.push(`{"op":"remove","path":${JSON.stringify(path)}}`)
  }

  private put(operation: 'add' | 'replace', path: string, node: NodeIndex): void {
    this.push(`{"op":"${operation}","path":${JSON.stringify(path)},"value":${this.b.textOf(node)}}`)
  }

  private push(operation: string): void {
    this.operations.push(operation)
    this.length += operation.length
  }
}
