import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'vitest'
import { isCi } from '../dialects.ts'
import type { MissingServer } from './address.ts'
import { findUnpacked, has, libraryFolders } from './debian-packages.ts'

/** Programs that stand beside millrace's own in suites and benches, each with Debian's package of it. */
const packages = {
  age: 'age',
  buildah: 'buildah',
  crun: 'crun',
  jq: 'jq',
  sqlite3: 'sqlite3',
  mariadb: 'mariadb-client-core',
  'mariadb-dump': 'mariadb-client',
  pgbouncer: 'pgbouncer',
} as const

export type Tool = keyof typeof packages

/** Variables that lead to programs and to their libraries. */
export type ToolEnvironment = Readonly<Record<string, string>>

interface FoundTools {
  readonly environment: ToolEnvironment
}

/** The machine's programs, else those of Debian's packages, unpacked beside the repository. */
export function findTools(tools: readonly Tool[]): FoundTools | MissingServer {
  const lacking = tools.filter((tool) => !has(tool)).map((tool) => packages[tool])
  const roots: string[] = []
  for (const name of lacking) {
    const advice = `Debian, Ubuntu: \`apt-get install ${name}\`.`
    const found = findUnpacked({ name, packages: [name], what: name, advice })
    if ('missing' in found) return found
    roots.push(found.root)
  }
  const programs = roots
    .flatMap((root) => [join(root, 'usr/bin'), join(root, 'usr/sbin')])
    .filter((folder) => existsSync(folder) && readdirSync(folder).length > 0)
  const path = { PATH: [...programs, process.env['PATH'] ?? ''].join(delimiter) }
  const libraries = { LD_LIBRARY_PATH: roots.map(libraryFolders).join(':') }
  return { environment: roots.length === 0 ? path : { ...path, ...libraries } }
}

/** As {@link findTools}; a test is skipped where there are none, but in CI nothing may be missing. */
export function toolsOf({ skip }: TestContext, ...tools: readonly Tool[]): ToolEnvironment {
  const found = findTools(tools)
  if ('environment' in found) return found.environment
  if (!isCi()) skip(found.missing)
  throw new Error(found.missing)
}
