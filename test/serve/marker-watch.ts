/** What was done with texts and bytes that hold a marker, and how often. */
export interface MarkerWatch {
  seen(): Readonly<Record<string, number>>
  end(): void
}

interface Watched {
  readonly name: string
  readonly of: object
  readonly member: string
  /** Where the text or the bytes are looked for: what the call is made on, its first argument, or what it gives. */
  readonly place: 'receiver' | 'argument' | 'result'
}

const { prototype: ofBuffers }: { readonly prototype: object } = Buffer

/** All by which a text can be parsed, written, changed, or made of bytes and the other way round. Slices are views. */
const watched: readonly Watched[] = [
  { name: 'JSON.parse', of: JSON, member: 'parse', place: 'argument' },
  { name: 'JSON.stringify', of: JSON, member: 'stringify', place: 'result' },
  { name: 'TextDecoder.decode', of: TextDecoder.prototype, member: 'decode', place: 'result' },
  { name: 'TextEncoder.encode', of: TextEncoder.prototype, member: 'encode', place: 'argument' },
  { name: 'TextEncoder.encodeInto', of: TextEncoder.prototype, member: 'encodeInto', place: 'argument' },
  { name: 'Buffer.from', of: Buffer, member: 'from', place: 'argument' },
  // `toString` and `write` of a buffer come to these.
  { name: 'buffer.utf8Slice', of: ofBuffers, member: 'utf8Slice', place: 'result' },
  { name: 'buffer.latin1Slice', of: ofBuffers, member: 'latin1Slice', place: 'result' },
  { name: 'buffer.utf8Write', of: ofBuffers, member: 'utf8Write', place: 'argument' },
  { name: 'ArrayBuffer.slice', of: ArrayBuffer.prototype, member: 'slice', place: 'result' },
  { name: 'text.replace', of: String.prototype, member: 'replace', place: 'result' },
  { name: 'text.replaceAll', of: String.prototype, member: 'replaceAll', place: 'result' },
  { name: 'text.normalize', of: String.prototype, member: 'normalize', place: 'result' },
  { name: 'text.split', of: String.prototype, member: 'split', place: 'receiver' },
  { name: 'text.trim', of: String.prototype, member: 'trim', place: 'result' },
  { name: 'text.toLowerCase', of: String.prototype, member: 'toLowerCase', place: 'result' },
  { name: 'list.join', of: Array.prototype, member: 'join', place: 'result' },
]

/** Counts until its end, by functions that stand before those of the engine. */
export function watchMarker(marker: string): MarkerWatch {
  const counts: Record<string, number> = {}
  const holds = holderOf(marker)
  let isLooking = false
  const restores = watched.map(({ name, of, member, place }) => {
    const own = Object.getOwnPropertyDescriptor(of, member)
    const original: unknown = Reflect.get(of, member)
    if (typeof original !== 'function') throw new TypeError(`${name} is no function`)
    const counting = function counting(this: unknown, ...given: unknown[]): unknown {
      const result: unknown = Reflect.apply(original, this, given)
      if (isLooking) return result
      // What looks calls some of these itself.
      isLooking = true
      const looked = place === 'receiver' ? String(this) : place === 'argument' ? given[0] : result
      if (holds(looked)) counts[name] = (counts[name] ?? 0) + 1
      isLooking = false
      return result
    }
    Object.defineProperty(of, member, { value: counting, writable: true, configurable: true, enumerable: false })
    return () => {
      if (own === undefined) Reflect.deleteProperty(of, member)
      else Object.defineProperty(of, member, own)
    }
  })
  return {
    seen: () => ({ ...counts }),
    end() {
      for (const restore of restores) restore()
    },
  }
}

function holderOf(marker: string): (value: unknown) => boolean {
  const bytes = Buffer.from(marker)
  const holdsBytes = (buffer: ArrayBufferLike, offset: number, length: number) =>
    Buffer.from(buffer, offset, length).includes(bytes)
  return (value) => {
    if (typeof value === 'string') return value.includes(marker)
    if (value instanceof ArrayBuffer) return holdsBytes(value, 0, value.byteLength)
    return ArrayBuffer.isView(value) && holdsBytes(value.buffer, value.byteOffset, value.byteLength)
  }
}
