import { globSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { workspaceRoot } from '../workspace.ts'
import { instrument, type Term } from './terms.ts'

const root = join(workspaceRoot, 'packages/db/src')

/** What reads alone: lists and views. */
const isOfReads =
  /(?:^|\/)(?:list|list-parts|entries|export|service-state|schedules|shares|versions|users|workflows)\.ts$/

/** Where every fault of a statement is made. */
const errors = 'sql/errors.ts'
const constructed = 'super(details.message)\n'

/** Files that hold conditions of writes, as paths below packages/db/src. */
function sources(): readonly string[] {
  return globSync('{repositories,access,store}/**/*.ts', { cwd: root })
    .map((path) => path.replaceAll(sep, '/'))
    .filter((path) => !path.endsWith('.test.ts') && !isOfReads.test(path))
    .toSorted()
}

function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** Every term of every source. */
export function allTerms(): readonly Term[] {
  return sources().flatMap((path) => instrument(path, textOf(path)).terms)
}

/** Where a statement that is built once is kept. */
const builders = 'sql/building.ts'
const keptBy = "const key = shape === undefined ? '' : JSON.stringify(shape)\n"

const switched = new Set(sources())

/** The source of a module with a switch at each term, and an ear at each fault of a statement; undefined of all others. */
export function switchedSource(source: string, file: string): string | undefined {
  const path = relative(root, file).replaceAll(sep, '/')
  if (path === errors) return withEar(source)
  if (path === builders) return withRebuilding(source)
  return switched.has(path) ? instrument(path, source).code : undefined
}

/** A vite plugin that puts them into what vitest reads. */
export function switches() {
  return {
    name: 'millrace-guards',
    enforce: 'pre' as const,
    transform(source: string, id: string) {
      const code = switchedSource(source, id.split('?')[0] ?? id)
      return code === undefined ? undefined : { code, map: null }
    },
  }
}

function withEar(source: string): string {
  return replaced(
    source,
    constructed,
    `${constructed}    globalThis.guards?.hear(details.trouble ?? fault, details.message)\n`,
  )
}

/** Statements are built once for each set of terms that is left out. */
function withRebuilding(source: string): string {
  const switchedKey = keptBy.replace('= shape', '= (shape').replace('\n', ") + (globalThis.guards?.variant() ?? '')\n")
  return replaced(source, keptBy, switchedKey)
}

function replaced(source: string, text: string, by: string): string {
  if (source.split(text).length !== 2) throw new Error(`the guards find no one place for a switch: ${text}`)
  return source.replace(text, by)
}
