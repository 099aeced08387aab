import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Terms whose absence nothing can notice, by name, each with the reason. */
export function explainedSurvivors(): ReadonlyMap<string, string> {
  const lines = readFileSync(join(import.meta.dirname, 'survivors.txt'), 'utf8').split('\n')
  const entries = lines.filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(entries.map(readEntry))
}

function readEntry(line: string): readonly [name: string, reason: string] {
  const [name, reason] = line.split(' ⇒ ')
  if (name === undefined || reason === undefined || reason === '')
    throw new Error(`a survivor without a reason: ${line}`)
  return [name, reason]
}
