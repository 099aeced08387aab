/** Bytes that JSON's grammar (RFC 8259) names. */
export const quote = 0x22
export const comma = 0x2c
export const minus = 0x2d
export const dot = 0x2e
export const zero = 0x30
const nine = 0x39
export const colon = 0x3a
export const openBracket = 0x5b
export const backslash = 0x5c
export const closeBracket = 0x5d
export const openBrace = 0x7b
export const closeBrace = 0x7d
export const firstPrintable = 0x20

/** In UTF-8. */
export const firstBeyondAscii = 0x80
export const threeByteLead = 0xe0
export const fourByteLead = 0xf0
/** U+D800 to U+DFFF, which UTF-8 has not and WTF-8 has: this lead byte, then one from 0xa0 on. */
export const surrogateLead = 0xed
export const firstSurrogateByte = 0xa0

export function isWhiteSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

export function isDigit(code: number): boolean {
  return code >= zero && code <= nine
}

/** `e` or `E`. */
export function isExponentMark(code: number): boolean {
  return code === 0x65 || code === 0x45
}

export function isSign(code: number): boolean {
  return code === minus || code === 0x2b
}
