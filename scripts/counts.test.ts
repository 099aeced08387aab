import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/*
 * How many files one more column, table, route or driver takes, by what names one that is there (CONTRIBUTING.md). What a
 * command writes (migrations, recorded answers) is not written by hand, and tests are beside it.
 */

const root = join(import.meta.dirname, '..')

function read(pattern: string): readonly { readonly file: string; readonly text: string }[] {
  return globSync(pattern, { cwd: root })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !/\.test\.tsx?$/.test(file))
    .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))
}

const sources = read('packages/{api,db,drivers}/src/**/*.ts')

/** Files below a folder whose text names it, without the folder. */
function naming(pattern: RegExp, folder: string): readonly string[] {
  return sources
    .filter(({ file, text }) => file.startsWith(folder) && pattern.test(text))
    .map(({ file }) => file.slice(folder.length))
    .toSorted()
}

test.each([
  ['audit/list', /\bgetAudit\b|\/v1\/audit\b/],
  ['versions/diff', /\bgetDifference\b|\/diff\b/],
  ['executions/get-step', /\bgetStep\b(?!\()|\/steps\/\{key\}/],
])('a route is in four files: itself, the table, and its title and example in the document: %s', (route, pattern) => {
  const files = naming(pattern, 'packages/api/src/').filter((file) => !file.startsWith('services/'))
  expect(files).toEqual(['app.ts', 'openapi/examples.ts', 'openapi/operations.ts', `routes/${route}.ts`])
})

test('a stored column is in three files and the list of migrations: schema, archive and its repository', () => {
  expect(naming(/\bcatchUp\b|catch_up/, 'packages/db/src/')).toEqual([
    'archive/tables.ts',
    'repositories/schedules/schedules.ts',
    'schema/schema.ts',
  ])
})

test('a table is declared in three files and the list of migrations: schema, archive and its repository', () => {
  const declaring = naming(/'password_resets'|passwordResets(?=[,:]| =)/, 'packages/db/src/')
  expect(declaring).toContain('schema/schema.ts')
  expect(declaring.filter((file) => !file.startsWith('repositories/')).length).toBeLessThanOrEqual(2)
})

test.each(['libsql', 'neon', 'planetscale', 'd1', 'hyperdrive'])(
  'a driver is a folder and at most two lines elsewhere: %s',
  (driver) => {
    const lines = sources
      .filter(({ file }) => !file.startsWith(`packages/drivers/src/${driver}/`))
      .flatMap(({ file, text }) => text.split('\n').map((line) => ({ file, line })))
      .filter(({ line }) => new RegExp(`(from|import\\()\\s*'(\\./|@millrace/drivers/)${driver}/`).test(line))
    expect(lines.length).toBeLessThanOrEqual(2)
    expect(new Set(lines.map(({ file }) => file))).toEqual(new Set(['packages/drivers/src/open.ts']))
  },
)

test('one function of the product is longer than 60 lines: the declaration of all tables', () => {
  const exempt = read('{packages/*,functions}/src/**/*.{ts,tsx}').filter(({ text }) =>
    text.includes('max-lines-per-function'),
  )
  expect(exempt.map(({ file }) => file)).toEqual(['packages/db/src/schema/schema.ts'])
  const [rule] = /'max-lines-per-function': \[[^\]]*\]/.exec(readFileSync(join(root, 'oxlint.config.ts'), 'utf8')) ?? []
  expect(rule).toBe("'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }]")
})
