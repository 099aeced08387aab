import { nearestOf } from '@millrace/db/url/nearest'

/** The most edits by which a name counts as one of ours, misspelt. */
const mostEdits = 2

/**
 * What in a `.env` file is probably not meant: a line that is no `NAME=value`, and a name that is nearly one of the known
 * ones. Values are never shown.
 */
export function dotEnvWarnings(text: string, knownNames: readonly string[]): readonly string[] {
  return statementsOf(text).flatMap(({ line, text: statement }) => {
    const name = /^(?:export\s+)?([\w.-]+)\s*=/.exec(statement)?.[1]
    if (name === undefined) return [`.env line ${line} is not NAME=value: it is ignored.`]
    const plain = name.replace(/_FILE$/, '')
    if (knownNames.includes(plain) || knownNames.includes(name)) return []
    const { name: nearest, edits } = nearestOf(plain, knownNames)
    if (edits > mostEdits) return []
    return [`.env line ${line}: ${name} is not a setting of millrace. Did you mean ${nearest}?`]
  })
}

interface Statement {
  readonly line: number
  readonly text: string
}

/** Lines that are neither empty nor comments; a quoted value may go on over several. */
function statementsOf(text: string): readonly Statement[] {
  const found: Statement[] = []
  let openQuote: string | undefined
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (openQuote !== undefined) {
      if (line.includes(openQuote)) openQuote = undefined
      continue
    }
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    found.push({ line: index + 1, text: trimmed })
    const [, quote, rest = ''] = /^[^=]*=\s*(["'`])(.*)$/.exec(trimmed) ?? []
    if (quote !== undefined && !rest.includes(quote)) openQuote = quote
  }
  return found
}
