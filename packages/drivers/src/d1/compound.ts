import { sqlTokens } from './sql-tokens.ts'

/** D1 takes no more SELECTs than this in one UNION, as SQLite's documentation advises against hostile SQL. */
const mostSelects = 5

type Joint = 'union' | 'union all'

/** One SELECT after another, all joined alike, as indexes into the text. */
interface Compound {
  readonly joint: Joint
  readonly selects: readonly { readonly start: number; readonly end: number }[]
}

/**
 * The same statement with every long UNION or UNION ALL in groups: `select * from (a union all b …) union all select * from (…)`.
 * https://www.sqlite.org/limits.html#max_compound_select
 */
export function withinCompoundLimit(sql: string): string {
  let text = sql
  for (let found = longCompound(text); found !== undefined; found = longCompound(text)) text = grouped(text, found)
  return text
}

function grouped(text: string, { selects, joint }: Compound): string {
  const groups: string[] = []
  for (let first = 0; first < selects.length; first += mostSelects) {
    const part = selects.slice(first, first + mostSelects).map(({ start, end }) => text.slice(start, end).trim())
    groups.push(part.length === 1 ? part.join('') : `select * from (${part.join(` ${joint} `)})`)
  }
  const start = selects[0]?.start ?? 0
  const end = selects.at(-1)?.end ?? text.length
  return `${text.slice(0, start)}${groups.join(` ${joint} `)} ${text.slice(end)}`
}

/** What stands between two parentheses, or outside all of them. */
interface Level {
  start: number | undefined
  readonly cuts: { readonly from: number; to: number; joint: Joint }[]
  /** Where what follows the last SELECT begins. */
  tail: number | undefined
}

/** The first UNION that is too long, the innermost of several. */
function longCompound(text: string): Compound | undefined {
  const outer: Level[] = []
  let level = emptyLevel()
  let previous: { readonly word: string; readonly index: number } = { word: '', index: 0 }
  for (const { word, index } of sqlTokens(text)) {
    if (word === '(') {
      outer.push(level)
      level = emptyLevel()
    } else if (word === ')') {
      const found = compoundOf(level, index)
      if (found !== undefined) return found
      level = outer.pop() ?? emptyLevel()
    } else notice(level, { word, index }, previous)
    previous = { word, index }
  }
  return compoundOf(level, text.length)
}

function emptyLevel(): Level {
  return { start: undefined, cuts: [], tail: undefined }
}

const tails: ReadonlySet<string> = new Set(['order', 'limit', 'returning'])

function notice(
  level: Level,
  { word, index }: { readonly word: string; readonly index: number },
  previous: { readonly word: string; readonly index: number },
): void {
  if (word === 'select') level.start ??= index
  else if (word === 'union') level.cuts.push({ from: index, to: index + word.length, joint: 'union' })
  else if (word === 'all' && previous.word === 'union') lengthenCut(level, index + word.length)
  else if (level.cuts.length > 0 && tails.has(word)) level.tail ??= index
  else if (level.cuts.length > 0 && word === 'conflict' && previous.word === 'on') level.tail ??= previous.index
}

function lengthenCut({ cuts }: Level, to: number): void {
  const cut = cuts.at(-1)
  if (cut === undefined) return
  cut.to = to
  cut.joint = 'union all'
}

function compoundOf({ start, cuts, tail }: Level, end: number): Compound | undefined {
  const [first] = cuts
  if (start === undefined || first === undefined || cuts.length < mostSelects) return undefined
  const { joint } = first
  // Of two kinds in one row each takes all that stands before it.
  if (cuts.some((cut) => cut.joint !== joint)) return undefined
  const starts = [start, ...cuts.map(({ to }) => to)]
  const ends = [...cuts.map(({ from }) => from), tail ?? end]
  return { joint, selects: starts.map((from, position) => ({ start: from, end: ends[position] ?? end })) }
}
