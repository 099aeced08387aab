/**
 * The key by which names are unique and searched: NFKC, lower case, trimmed. `ß` stays apart from `ss`, as lower case
 * has it. Text can grow 18 times under NFKC (U+FDFA).
 */
export function nameKey(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC').trim()
}
