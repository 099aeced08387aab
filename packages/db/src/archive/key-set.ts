/**
 * A set of keys that holds 64 bits of each: two of a million are taken for one with a chance of one in forty million, and
 * what that would let pass, the check of references in the database itself refuses.
 */
export class KeySet {
  /** Two words of 32 bits each. */
  #slots = new Uint32Array(2048)
  #size = 0

  add(key: string): void {
    hashText(key)
    this.#add()
  }

  has(key: string): boolean {
    hashText(key)
    return this.#has()
  }

  /** As `add`, of a key's ASCII characters. */
  addBytes(bytes: Uint8Array, from: number, to: number): void {
    hashBytes(bytes, from, to)
    this.#add()
  }

  /** As `has`, of a key's ASCII characters. */
  hasBytes(bytes: Uint8Array, from: number, to: number): boolean {
    hashBytes(bytes, from, to)
    return this.#has()
  }

  /** Of the key that was hashed last. */
  #add(): void {
    if (this.#size * 4 > this.#slots.length) this.#grow()
    if (place(this.#slots, hashHigh, hashLow)) this.#size += 1
  }

  #has(): boolean {
    const at = slotOf(this.#slots, hashHigh, hashLow)
    return this.#slots[at] === hashHigh && this.#slots[at + 1] === hashLow
  }

  #grow(): void {
    const larger = new Uint32Array(this.#slots.length * 2)
    for (let at = 0; at < this.#slots.length; at += 2) {
      const high = this.#slots[at] ?? 0
      const low = this.#slots[at + 1] ?? 0
      if (high !== 0 || low !== 0) place(larger, high, low)
    }
    this.#slots = larger
  }
}

/** Whether it was not there yet. */
function place(slots: Uint32Array, high: number, low: number): boolean {
  const at = slotOf(slots, high, low)
  if (slots[at] === high && slots[at + 1] === low) return false
  slots[at] = high
  slots[at + 1] = low
  return true
}

/** Where the hash is, or would be: open addressing, and a half of the slots is always free. */
function slotOf(slots: Uint32Array, high: number, low: number): number {
  const last = slots.length / 2 - 1
  for (let slot = low & last; ; slot = (slot + 1) & last) {
    const at = slot * 2
    const isFree = slots[at] === 0 && slots[at + 1] === 0
    if (isFree || (slots[at] === high && slots[at + 1] === low)) return at
  }
}

/** The key that was hashed last: an object for each would be most of the garbage. */
let [hashHigh, hashLow] = [0, 0]

/** `hashText` of ASCII characters. */
function hashBytes(bytes: Uint8Array, from: number, to: number): void {
  beginHash()
  for (let at = from; at < to; at += 1) hashCode(bytes[at] ?? 0)
  endHash()
}

function hashText(key: string): void {
  beginHash()
  for (let at = 0; at < key.length; at += 1) hashCode(key.charCodeAt(at))
  endHash()
}

function beginHash(): void {
  hashHigh = 0x9e3779b9
  hashLow = 0x85ebca6b
}

function hashCode(code: number): void {
  hashHigh = Math.imul(hashHigh ^ code, 0xcc9e2d51)
  hashHigh = (hashHigh << 13) | (hashHigh >>> 19)
  hashLow = Math.imul(hashLow ^ code, 0x1b873593)
  hashLow = (hashLow << 15) | (hashLow >>> 17)
}

/** Two hashes of 32 bits (Murmur's mixing, from different seeds); never both 0, which is a free slot. */
function endHash(): void {
  hashHigh = mixed(hashHigh)
  hashLow = mixed(hashLow)
  if (hashHigh === 0 && hashLow === 0) hashLow = 1
}

function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
