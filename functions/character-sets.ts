/**
 * In iconv-lite's place, whose tables are more than half of mysql2: text goes over a connection in UTF-8, which mysql2
 * reads by itself. Others name what a server says of its own tables, mostly MySQL's `utf8`, which mysql2 calls CESU-8.
 */
export function getDecoder(encoding: string) {
  const decoder = new TextDecoder(encoding === 'cesu8' ? 'utf-8' : encoding, { ignoreBOM: true })
  return { write: (bytes: Uint8Array): string => decoder.decode(bytes), end: (): string => '' }
}

export function getEncoder(encoding: string) {
  if (encoding !== 'cesu8') throw new RangeError(`text can't be sent as ${encoding}`)
  return { write: (text: string): Buffer => Buffer.from(text, 'utf8'), end: (): undefined => undefined }
}
