/** A part of a URL's text: [start, end) in UTF-16 units. */
export interface Span {
  readonly start: number
  readonly end: number
}

/**
 * What is wrong with a URL and where. The texts may hold nothing of the URL itself: only the redacted URL is ever
 * printed, with carets under `span`. Thrown by whoever reads a part, and caught by `parseDatabaseUrl`.
 */
export class UrlFault extends Error {
  readonly span: Span
  readonly what: string
  readonly reason: string
  readonly fix: string

  constructor(span: Span, what: string, reason: string, fix: string) {
    super(what)
    this.name = 'UrlFault'
    this.span = span
    this.what = what
    this.reason = reason
    this.fix = fix
  }
}
