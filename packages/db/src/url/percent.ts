import { type Span, UrlFault } from './fault.ts'

/** The percent-decoded text of a part. A `+` stays a plus sign. */
export function decodePart(source: string, span: Span, partName: string): string {
  const text = source.slice(span.start, span.end)
  const stray = text.search(/%(?![0-9a-f]{2})/i)
  if (stray !== -1) {
    throw new UrlFault(
      { start: span.start + stray, end: span.start + stray + 1 },
      `DATABASE_URL's ${partName} has a % that encodes nothing`,
      'A % is followed by two hexadecimal digits.',
      'Write a % itself as %25.',
    )
  }
  const decoded = decodeUtf8(text)
  if (decoded !== undefined && !decoded.includes('\0')) return decoded
  throw new UrlFault(
    span,
    `DATABASE_URL's ${partName} does not decode to text`,
    decoded === undefined ? 'Its percent-encoded bytes are not UTF-8.' : 'It holds the character U+0000.',
    'Percent-encode the UTF-8 bytes of each character, as encodeURIComponent does.',
  )
}

function decodeUtf8(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
