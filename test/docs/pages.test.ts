import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { createProgram } from '@millrace/cli/program'
import { routes } from '@millrace/api/app'
import { describe, expect, test } from 'vitest'
import { workspaceRoot } from '../workspace.ts'
import { schemaDiagram } from './schema-diagram.ts'
import { anchorsOf, commandsOf, parsePage, readPage, readPages, type Page } from './markdown.ts'

const { guides, decisions } = readPages()
type Command = ReturnType<typeof createProgram>

const silent = { write: () => true }
const program = createProgram({ streams: { stdout: silent, stderr: silent }, isJson: false, run: async () => {} })

describe.for(guides.map((page) => [page.path, page] as const))('%s', ([, page]) => {
  test('names only commands and options that millrace has', () => {
    expect(commandFaults(page)).toEqual([])
  })

  test('names only scripts that package.json has', () => {
    expect(scriptFaults(page)).toEqual([])
  })

  test('names only variables that .env.example explains', () => {
    expect(variableFaults(page)).toEqual([])
  })
})

test.for([...guides, ...decisions].map((page) => [page.path, page] as const))(
  'the links of %s lead somewhere',
  ([, page]) => {
    expect(linkFaults(page)).toEqual([])
  },
)

test('the README names only routes that the app has', () => {
  expect(routeFaults(readPage('README.md'))).toEqual([])
})

test('a page with an unknown command, option, script, variable, link and route is found out', () => {
  const page = parsePage(
    'docs/planted.md',
    '# Here\n[a](nowhere.md) [b](#there) [c](../README.md#nowhere) [d](#here)\n' +
      'Run `millrace frobnicate`, `pnpm millrace migrate --nonsense`, `pnpm nonsense`, set `DATABASE_URI`.\n' +
      '```bash\ncurl -X POST $URL/v1/nonsense\nmillrace migrate status --json # fine\n```\n',
  )
  expect(commandFaults(page)).toEqual(['millrace frobnicate', 'pnpm millrace migrate --nonsense'])
  expect(scriptFaults(page)).toEqual(['nonsense'])
  expect(variableFaults(page)).toEqual(['DATABASE_URI'])
  expect(linkFaults(page)).toEqual(['nowhere.md', '#there', '../README.md#nowhere'])
  expect(routeFaults(page)).toEqual(['POST /v1/nonsense'])
})

function commandFaults(page: Page): readonly string[] {
  return commandsOf(page).filter((line) => {
    const words = /(?:^|pnpm(?:@12)? |npx |[;&|] *|^\w+=\S+ )millrace (\S.*)$/.exec(line)?.[1]?.split(/\s+/)
    return words !== undefined && !isCommand(words)
  })
}

function isCommand(words: readonly string[]): boolean {
  let command = program
  let position = 0
  for (; position < words.length; position += 1) {
    const next = command.commands.find((child) => [child.name(), ...child.aliases()].includes(words[position] ?? ''))
    if (next === undefined) break
    command = next
  }
  if (command === program && /^[a-z]/.test(words[0] ?? '')) return false
  const known = optionsOf(command)
  const rest = words.slice(position)
  const end = rest.findIndex((word) => ['|', '>', '&&'].includes(word))
  return rest
    .slice(0, end === -1 ? undefined : end)
    .filter((word) => word.startsWith('--'))
    .every((word) => known.has(word.split('=')[0] ?? ''))
}

function optionsOf(command: Command): ReadonlySet<string> {
  const own = command.options.flatMap(({ long }) => long ?? [])
  return new Set([...own, '--help', ...(command.parent === null ? [] : optionsOf(command.parent))])
}

/** What pnpm does by itself, and the one program that the workspace links. */
const pnpmCommands: ReadonlySet<string> = new Set(['exec', 'install', 'millrace'])

function scriptFaults(page: Page): readonly string[] {
  const manifest: unknown = JSON.parse(readFileSync(join(workspaceRoot, 'package.json'), 'utf8'))
  expect(manifest).toHaveProperty('scripts')
  const named = commandsOf(page).flatMap((line) => /\bpnpm(?:@12)? ([a-z][\w:-]*)/.exec(line)?.[1] ?? [])
  return named.filter((name) => !pnpmCommands.has(name) && !hasScript(manifest, name))
}

function hasScript(manifest: unknown, name: string): boolean {
  if (typeof manifest !== 'object' || manifest === null || !('scripts' in manifest)) return false
  return typeof manifest.scripts === 'object' && manifest.scripts !== null && Object.hasOwn(manifest.scripts, name)
}

/** Variables of other programs, and of the tests. */
const foreignVariables: ReadonlySet<string> = new Set([
  'API_HOST',
  'AWS_ACCESS_KEY_ID',
  'AWS_ENDPOINT_URL_S3',
  'AWS_REGION',
  'AWS_SECRET_ACCESS_KEY',
  'CLOUDFLARE_ACCOUNT_ID',
  'CLOUDFLARE_API_TOKEN',
  'CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_HYPERDRIVE',
  'FAULTS_OTHER',
  'FAULTS_PART',
  'FAULTS_RUNS',
  'FAULTS_SEED',
  'FAULTS_WRITES',
  'GATEWAY_HOST',
  'HISTORIES_OPERATIONS',
  'HISTORIES_SEED',
  'KILLED_SEED',
  'MARIADB_ROOT_PASSWORD',
  'MILLRACE_API_KEY',
  'MYSQL_ROOT_PASSWORD',
  'POSTGRES_PASSWORD',
  'POSTGRES_URL',
  'SERIAL_SEED',
  'TEST_LONG',
  'TEST_MYSQL_SERVER',
  'TEST_MYSQL_URL',
  'TEST_POSTGRES_URL',
  'TEST_SEED',
  'TEST_SERVICE',
])

function variableFaults(page: Page): readonly string[] {
  const example = readFileSync(join(workspaceRoot, '.env.example'), 'utf8')
  const explained = new Set(example.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g))
  const named = commandsOf(page).flatMap(
    (line) => line.match(/(?<![\w"'<=])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?=$|=|[ ,.)}"])/g) ?? [],
  )
  return [...new Set(named)].filter((name) => {
    const plain = name === 'NAME_FILE' ? name : name.replace(/_FILE$/, '')
    return !explained.has(plain) && !foreignVariables.has(name)
  })
}

function linkFaults({ path, prose, ...page }: Page): readonly string[] {
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false
    const [file = '', anchor] = link.split('#')
    const target = file === '' ? path : relative(workspaceRoot, resolve(workspaceRoot, dirname(path), file))
    if (file !== '' && !existsSync(join(workspaceRoot, target))) return true
    if (anchor === undefined) return false
    return !anchorsOf(file === '' ? { path, prose, ...page } : readPage(target)).has(anchor)
  })
}

/** `GET /v1/…` in prose, and what a `curl` of a block asks for. */
function routeFaults(page: Page): readonly string[] {
  const named = commandsOf(page).flatMap((line) => {
    const request = /^(GET|POST|PUT|PATCH|DELETE) (\/[^\s?]*)/.exec(line)
    if (request !== null) return [[request[1] ?? '', request[2] ?? ''] as const]
    const asked = /\$URL(\/[^\s"?]*)/.exec(line)
    if (asked === null) return []
    const implied = / -d /.test(line) ? 'POST' : 'GET'
    return [[/ -X (\w+)/.exec(line)?.[1] ?? implied, asked[1] ?? ''] as const]
  })
  return named
    .filter(([method, path]) => !routes.some((route) => route.method === method && fits(path, route.path)))
    .map(([method, path]) => `${method} ${path}`)
}

function fits(path: string, pattern: string): boolean {
  const parts = path.split('/')
  const expected = pattern.split('/')
  return (
    parts.length === expected.length && expected.every((part, index) => part.startsWith('{') || part === parts[index])
  )
}

test.for(['front/app.ts', 'worker/worker.ts'])('docs/build.md shows examples/product/%s as it is', (file) => {
  const code = readFileSync(join(workspaceRoot, 'examples/product', file), 'utf8')
  expect(readPage('docs/build.md').blocks.map(({ text }) => text)).toContain(code)
})

test('docs/databases.md shows every table and column as the schema has them', () => {
  const diagrams = readPage('docs/databases.md').blocks.filter(({ info }) => info === 'mermaid')
  // `node test/docs/schema-diagram.ts` prints what belongs there.
  expect(diagrams.map(({ text }) => text)).toEqual([schemaDiagram()])
})
