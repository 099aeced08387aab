import { globSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { workspaceRoot } from '../workspace.ts'
import { instrument, type Term } from './terms.ts'

const root = join(workspaceRoot, 'packages/db/src')

/** What reads alone: lists and views. */
const isOfReads = /(?:^|\/)(?:list|entries|export|service-state|schedules|shares|versions|users|workflows)\.ts$/

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

/** A vite plugin that puts a switch at each term, and an ear at each fault of a statement. */
export function switches() {
  const paths = new Set(sources())
  return {
    name: 'millrace-guards',
    enforce: 'pre' as const,
    transform(source: string, id: string) {
      const path = relative(root, id.split('?')[0] ?? id).replaceAll(sep, '/')
      if (path === errors) return { code: withEar(source), map: null }
      return paths.has(path) ? { code: instrument(path, source).code, map: null } : undefined
    },
  }
}

function withEar(source: string): string {
  if (source.split(constructed).length !== 2) throw new Error(`${errors} has no one place for the ear of the guards`)
  return source.replace(
    constructed,
    `${constructed}    globalThis.guards?.hear(details.trouble ?? fault, details.message)\n`,
  )
}
