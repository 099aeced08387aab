import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Of a `[[d1_databases]]` at the top of wrangler.toml, up to the next table. */
const d1Table = /^\[\[d1_databases\]\]\n(?:(?!\[).*\n?)*/gm

/**
 * millrace's wrangler.toml as text that means the same in another folder: wrangler writes beside its configuration, and
 * where a package is installed nobody may be able to.
 * @param functions the folder of the built functions
 */
export function movedConfiguration(workspace: string, functions: string, buildArguments = ''): string {
  const at = (file: string) => JSON.stringify(join(workspace, file))
  return readFileSync(join(workspace, 'wrangler.toml'), 'utf8')
    .replace(/^main = .*$/m, `main = ${at(`${functions}/index.js`)}`)
    .replace(/^directory = "([^"]+)"$/m, (_line, file: string) => `directory = ${at(file)}`)
    .replace(
      /^command = "(.*)"$/m,
      (_line, command: string) => `command = "${command}${buildArguments}"\ncwd = ${at('')}`,
    )
    .replace(
      /^watch_dir = \[(.*)\]$/m,
      (_line, folders: string) =>
        `watch_dir = [${folders.replaceAll(/"([^"]+)"/g, (_word, folder: string) => at(folder))}]`,
    )
}

/** The same without the D1 databases that it binds outside the named environments. */
export function withoutD1(text: string): string {
  return text.replaceAll(d1Table, '')
}

/** Up to the next table, which may have a comment above it. */
const assetsTable = /^\[assets\]\n((?:\w.*\n)*)/m

/**
 * The configuration of a Worker with assets as those of two: one that is bound to the other in the assets' place, and one
 * that has nothing but the assets.
 */
export function withAssetsApart(text: string): { readonly functions: string; readonly assets: string } {
  const lines = assetsTable.exec(text)?.[1] ?? ''
  const name = 'millrace-assets'
  const own = ['directory', 'html_handling'].map((key) => entryOf(key, lines)).join('')
  return {
    functions: text.replace(assetsTable, `[[services]]\n${entryOf('binding', lines)}service = "${name}"\n`),
    assets: `name = "${name}"\n${entryOf('compatibility_date', text)}\n[assets]\n${own}`,
  }
}

/** The line of an entry; empty where there is none. */
function entryOf(key: string, text: string): string {
  return new RegExp(`^${key} = .*\n`, 'm').exec(text)?.[0] ?? ''
}

export interface D1Entry {
  readonly binding: string
  readonly name: string
  readonly id: string
}

/** The lines that bind a D1 database, in a named environment or at the top. */
export function d1Configuration({ binding, name, id }: D1Entry, environment?: string): string {
  const table = environment === undefined ? 'd1_databases' : `env.${JSON.stringify(environment)}.d1_databases`
  const members = { binding, database_name: name, database_id: id }
  const lines = Object.entries(members).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
  return `\n[[${table}]]\n${lines.join('\n')}\n`
}

/** Of a database that is only here: wrangler keeps it under the binding's name. */
export function localD1(binding: string): D1Entry {
  return { binding, name: binding, id: binding }
}
