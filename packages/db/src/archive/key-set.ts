/**
 * A set of keys that holds 64 bits of each: two of a million are taken for one with a chance of one in forty million, and
 * what that would let pass, the database's own foreign keys refuse.
 */
export class KeySet {
  #slots = new BigUint64Array(1024)
  #size = 0

  add(key: string): void {
    if (this.#size * 2 > this.#slots.length) this.#grow()
    if (place(this.#slots, hashOf(key))) this.#size += 1
  }

  has(key: string): boolean {
    const hash = hashOf(key)
    return this.#slots[slotOf(this.#slots, hash)] === hash
  }

  #grow(): void {
    const larger = new BigUint64Array(this.#slots.length * 2)
    for (const hash of this.#slots) if (hash !== 0n) place(larger, hash)
    this.#slots = larger
  }
}

/** Whether it was not there yet. */
function place(slots: BigUint64Array, hash: bigint): boolean {
  const slot = slotOf(slots, hash)
  if (slots[slot] === hash) return false
  slots[slot] = hash
  return true
}

/** Where the hash is, or would be: open addressing, and a half of the slots is always free. */
function slotOf(slots: BigUint64Array, hash: bigint): number {
  const last = slots.length - 1
  let slot = Number(hash & BigInt(last))
  while (slots[slot] !== 0n && slots[slot] !== hash) slot = (slot + 1) & last
  return slot
}

/** Two hashes of 32 bits (Murmur's mixing, from different seeds) as one; never 0, which is a free slot. */
function hashOf(key: string): bigint {
  let [high, low] = [0x9e3779b9, 0x85ebca6b]
  for (let at = 0; at < key.length; at += 1) {
    const code = key.charCodeAt(at)
    high = Math.imul(high ^ code, 0xcc9e2d51)
    high = (high << 13) | (high >>> 19)
    low = Math.imul(low ^ code, 0x1b873593)
    low = (low << 15) | (low >>> 17)
  }
  const hash = (BigInt(mixed(high)) << 32n) | BigInt(mixed(low))
  return hash === 0n ? 1n : hash
}

function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
