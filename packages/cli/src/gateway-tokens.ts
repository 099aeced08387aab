import { readFileSync } from 'node:fs'
import { minTokenCharacters } from '@millrace/gateway/access'
import { Failure } from './failure.ts'

const rereadMilliseconds = 1000

/**
 * The tokens in a file, one a line, read again when a second has gone by: an orchestrator that replaces a mounted
 * secret restarts nothing. A file that cannot be read meanwhile, is empty, or holds one that is too short (it may be half
 * written) leaves those that were read before.
 * Throws a Failure when it holds none at the start.
 * @param now milliseconds, of any clock that does not go back
 */
export function watchTokens(path: string, now: () => number = () => performance.now()): () => readonly string[] {
  let tokens = readTokens(path)
  let readAt = now()
  return () => {
    if (now() - readAt < rereadMilliseconds) return tokens
    readAt = now()
    try {
      const found = readTokens(path)
      if (found.every((token) => token.length >= minTokenCharacters)) tokens = found
    } catch (error) {
      if (!(error instanceof Failure)) throw error
    }
    return tokens
  }
}

function readTokens(path: string): readonly string[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new Failure('file_missing', {
      what: 'The token file cannot be read.',
      why: error instanceof Error ? error.message : String(error),
      fix: 'Correct --token-file.',
    })
  }
  const tokens = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (tokens.length > 0) return tokens
  throw new Failure('settings_invalid', {
    what: 'The token file is empty.',
    why: `${path} holds only white space.`,
    fix: 'Write the token into it.',
  })
}
