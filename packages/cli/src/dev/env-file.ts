import { Failure } from '../failure.ts'

const quotes = ["'", '`', '"'] as const

/**
 * Variables as a file that wrangler's `--env-file` reads back exactly. It reads with dotenv and dotenv-expand: `$` must be
 * escaped within every kind of quote, and `"` alone gives a meaning to backslashes.
 * Throws a Failure for a value that the format cannot hold.
 */
export function envFileText(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${quoted(name, value)}\n`)
    .join('')
}

function quoted(name: string, value: string): string {
  const quote = quotes.find((candidate) => !value.includes(candidate))
  const isBackslashSafe = !value.includes('\\$') && !(quote === '"' && value.includes('\\'))
  if (quote !== undefined && isBackslashSafe && !value.includes('\r')) {
    return `${quote}${value.replaceAll('$', String.raw`\$`)}${quote}`
  }
  throw new Failure('settings_invalid', {
    what: `${name} cannot be passed on to wrangler.`,
    why: 'An env file has no way to write all of \', ", ` in one value, a backslash before $, or a carriage return.',
    fix: `Choose a value for ${name} without them; in a URL write them percent-encoded.`,
  })
}

/** A URL with what an env file finds hard percent-encoded: the same URL to whoever decodes it. */
export function envSafeUrl(url: string): string {
  return url.replaceAll(/[$'"`\\]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}
