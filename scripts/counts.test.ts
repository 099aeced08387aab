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

const sources = read('{packages/{api,cli,db,drivers,gateway,server},functions}/src/**/*.ts')

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

// A repository counts once, also where it is a folder.
test.each([
  [
    'schedules',
    /'schedules'|\bschedules:|Tables\['schedules'\]/,
    'repositories/schedules/',
    ['archive/adopt/guide-tables.ts', 'archive/tables.ts', 'schema/rows.ts', 'schema/schema.ts', 'sql/lock-order.ts'],
  ],
  [
    'password_resets',
    /'password_resets'|\bpasswordResets\b/,
    'repositories/accounts/password-resets.ts',
    ['archive/load.ts', 'repositories/accounts/credentials.ts', 'repositories/accounts/expiry.ts', 'schema/schema.ts'],
  ],
])(
  'a table is in at most eight files, its repository and the list of migrations among them: %s',
  (_table, pattern, repository, others) => {
    const files = naming(pattern, 'packages/db/src/')
    expect(files.filter((file) => file.startsWith(repository))).not.toEqual([])
    expect(files.filter((file) => !file.startsWith(repository))).toEqual(others)
    expect(others.length + [repository, 'schema/known-migrations.ts'].length).toBeLessThanOrEqual(8)
  },
)

test.each([
  ['libsql', []],
  ['neon', []],
  ['planetscale', []],
  ['hyperdrive', []],
  ['d1', ['functions/src/database-bindings.ts', 'packages/cli/src/d1/open.ts']],
])('a driver is a folder and at most two lines elsewhere, beside what hands in a binding: %s', (driver, handingIn) => {
  const lines = sources
    .filter(({ file }) => !file.startsWith(`packages/drivers/src/${driver}/`))
    .flatMap(({ file, text }) => text.split('\n').map((line) => ({ file, line })))
    .filter(({ file, line }) => importOf(driver, file).test(line))
  const isHandingIn = (file: string) => handingIn.some((one) => one === file)
  expect(new Set(lines.map(({ file }) => file))).toEqual(new Set([...handingIn, 'packages/drivers/src/open.ts']))
  expect(lines.filter(({ file }) => !isHandingIn(file)).length).toBeLessThanOrEqual(2)
})

/** How a file beyond a driver's folder imports what is in it. */
function importOf(driver: string, file: string): RegExp {
  const folder = file.startsWith('packages/drivers/') ? './' : '@millrace/drivers/'
  return new RegExp(`(from|import\\()\\s*'${folder}${driver}/`)
}

test('one function of the product is longer than 60 lines: the declaration of all tables', () => {
  const exempt = read('{packages/*,functions}/src/**/*.{ts,tsx}').filter(({ text }) =>
    text.includes('max-lines-per-function'),
  )
  expect(exempt.map(({ file }) => file)).toEqual(['packages/db/src/schema/schema.ts'])
  const [rule] = /'max-lines-per-function': \[[^\]]*\]/.exec(readFileSync(join(root, 'oxlint.config.ts'), 'utf8')) ?? []
  expect(rule).toBe("'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }]")
})
