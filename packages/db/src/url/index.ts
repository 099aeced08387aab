import { UrlFault } from './fault.ts'
import { pointAt, redact } from './redact.ts'
import { readTarget } from './read-target.ts'
import type { Target, UrlEnvironment } from './target.ts'

export type { ConnectionOptions, HyperdriveBinding, ServerAddress, Target, TlsMode, UrlEnvironment } from './target.ts'

/** `why` holds the redacted URL with a line of carets under the part that is wrong. */
export interface UrlError {
  readonly what: string
  readonly why: string
  readonly fix: string
}

export type ParsedUrl =
  | { readonly ok: true; readonly target: Target; readonly notices: readonly string[] }
  | { readonly ok: false; readonly error: UrlError }

/**
 * Reads a DATABASE_URL; white space around it does not count. Spellings are SQLAlchemy's, libSQL's, Neon's and
 * PlanetScale's. Never throws; neither errors nor notices hold a password or token.
 */
export function parseDatabaseUrl(url: string, env: UrlEnvironment = {}): ParsedUrl {
  const source = url.trim()
  const named = (words: string) => words.replaceAll('DATABASE_URL', env.givenBy ?? 'DATABASE_URL')
  try {
    const { target, notices } = readTarget(source, env)
    return { ok: true, target, notices: notices.map(named) }
  } catch (thrown) {
    if (!(thrown instanceof UrlFault)) throw thrown
    const { what, reason, fix, span } = thrown
    return {
      ok: false,
      error: { what: named(what), why: `${named(reason)}\n${pointAt(source, span)}`, fix: named(fix) },
    }
  }
}

/** The URL with `***` in place of password and token; a text that is no URL of a database is `***` altogether. */
export function redactUrl(url: string): string {
  return redact(url.trim())
}
