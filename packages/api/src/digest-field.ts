/** A SHA-256, given in hexadecimal, as the value of Repr-Digest. https://www.rfc-editor.org/rfc/rfc9530 */
export function digestField(sha256: string): string {
  const bytes = sha256.match(/../g) ?? []
  return `sha-256=:${btoa(String.fromCharCode(...bytes.map((byte) => Number.parseInt(byte, 16))))}:`
}
