const notedEveryMilliseconds = 60_000
const maxRemembered = 10_000

export interface KeyUse {
  readonly keySha256: string
  readonly at: Date
  /** A use that was noted since then is enough. */
  readonly before: Date
}

/**
 * Notes the use of API keys for `lastUsedAt`: each at most once a minute, since a write with every request would cost
 * more than the minute is worth. Of a remembered key it is decided without the database.
 * @returns What is to be written, or undefined where the key's use was noted within the minute.
 */
export function createKeyUses(): (keySha256: string, at: Date) => KeyUse | undefined {
  const notedMilliseconds = new Map<string, number>()
  return (keySha256, at) => {
    const before = at.getTime() - notedEveryMilliseconds
    if ((notedMilliseconds.get(keySha256) ?? 0) > before) return undefined
    const oldest = notedMilliseconds.keys().next()
    if (notedMilliseconds.size >= maxRemembered && oldest.done !== true) notedMilliseconds.delete(oldest.value)
    notedMilliseconds.set(keySha256, at.getTime())
    return { keySha256, at, before: new Date(before) }
  }
}
