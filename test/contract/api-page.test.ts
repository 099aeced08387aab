import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { routes } from '@millrace/api/app'
import { errorCodes, errorKind, type ErrorCode } from '@millrace/api/errors'
import { refusalsOf } from '@millrace/api/openapi/refusals'
import { describe, expect, test, type TestContext } from 'vitest'
import { dialects, isCi } from '../dialects.ts'
import { isSampled } from '../sampling.ts'
import { readRecording, type RecordedAnswer } from '../recording.ts'
import { workspaceRoot } from '../workspace.ts'

/**
 * The page of the contract against the product: what its tables list is in the app, and was asked for and answered in
 * the contract suites of this run. Runs after all other suites (vitest.config.ts).
 */
const copy = readFileSync(join(workspaceRoot, 'docs/contract/api.md'), 'utf8')
const page = copy.slice(copy.indexOf('\n') + 1)

const onPage = routesOf(page)
const codesOnPage = codesOf(page)
const inApp = routes.map(({ method, path }) => `${method} ${path}`)

/** Routes that the page's tables leave out. */
const offTables: Readonly<Record<string, string>> = {
  'GET /': 'named in Conventions',
  'GET /docs/{file}': 'what the page /docs loads',
}

/** Codes that the product never has to answer, with the reason. */
const neverAnswered: Readonly<Record<string, string>> = {
  // The page leaves the choice: of two at once the second waits in the database for the first, and gets its answer.
  idempotency_in_progress: 'the other gets the answer of the first',
}

describe('the page', () => {
  test('is the one beside the project', (context) => {
    const original = join(dirname(workspaceRoot), 'shared/API.md')
    if (!existsSync(original)) context.skip('needs a folder beside the checkout: ../shared/API.md')
    expect(page).toBe(readFileSync(original, 'utf8'))
  })

  test('has tables of routes and codes that are read whole', () => {
    const written = page.match(/`(?:GET|POST|PUT|PATCH|DELETE) \/[^`]*`/g) ?? []
    expect(written.map((span) => span.slice(1, -1)).filter((name) => !onPage.includes(name))).toEqual([])
    expect(new Set(onPage).size).toBe(onPage.length)
    expect(codesOnPage.size).toBeGreaterThan(30)
  })

  test('lists the routes of the app', () => {
    expect(onPage.filter((name) => !inApp.includes(name))).toEqual([])
    expect(inApp.filter((name) => !onPage.includes(name) && offTables[name] === undefined)).toEqual([])
  })

  test('lists the codes of the app, each under its status', () => {
    expect(Object.fromEntries(codesOnPage)).toEqual(
      Object.fromEntries(errorCodes.map((code) => [code, errorKind(code).status])),
    )
  })
})

describe('the contract suites', () => {
  const recording = readRecording() ?? []
  const unheard = suitesWithServices().filter((suite) => !recording.some((answer) => answer.suite === suite))

  describe.each(dialects)('%s', (dialect) => {
    const answers = recording.filter((answer) => answer.dialect === dialect)
    /** A run that is sampled asks for each refusal on one dialect at least, another one on each. */
    const answersOfRun = isSampled ? recording : answers

    test('got something done by every route', (context) => {
      needWhole(context, answers)
      expect(onPage.filter((name) => !done(answers).has(name))).toEqual([])
    })

    test('were refused by every route that can refuse', (context) => {
      needWhole(context, answers)
      const refused = new Set(answersOfRun.filter(({ status }) => status >= 400).map(nameOf))
      expect(onPage.filter((name) => !refused.has(name))).toEqual([])
    })

    test('were answered every code', (context) => {
      needWhole(context, answers)
      const codes = new Set(answersOfRun.map(({ code }) => code))
      expect([...codesOnPage.keys()].filter((code) => !codes.has(code))).toEqual(Object.keys(neverAnswered))
    })

    test('were refused with no code that the document lacks', (context) => {
      needWhole(context, answers)
      const besides = answers.filter(
        ({ code, ...answer }) => code !== undefined && !documentedCodes(nameOf(answer)).has(code),
      )
      expect([...new Set(besides.map((answer) => `${nameOf(answer)} ${answer.code}`))]).toEqual([])
    })

    test('sent and were sent every header', (context) => {
      needWhole(context, answers)
      const seen = new Set(answersOfRun.flatMap(({ sent, headers }) => [...sent, ...headers]))
      expect(headersOf(page).filter((name) => !seen.has(name.toLowerCase()))).toEqual([])
    })

    test('have pinned the trips of every route', (context) => {
      needWhole(context, answers)
      const pinned = done(answersOfRun.filter(({ kind }) => kind === 'trips'))
      expect(onPage.filter((name) => !pinned.has(name))).toEqual([])
    })
  })

  /** Part of the suites says nothing about what none of them does. */
  function needWhole(context: TestContext, answers: readonly RecordedAnswer[]): void {
    if (recording.length === 0) context.skip('only after the contract suites, in a run of all')
    if (unheard.length > 0) context.skip(`not all contract suites have run: ${unheard.join(', ')}`)
    if (answers.length === 0 && !isCi()) context.skip('its server is missing')
  }
})

/** The routes that have answered 2xx. */
function done(answers: readonly RecordedAnswer[]): ReadonlySet<string> {
  return new Set(answers.filter(({ status }) => status >= 200 && status < 300).map(nameOf))
}

const patterns = onPage
  // A literal path before one with a parameter in the same place.
  .toSorted((one, other) => placesIn(one) - placesIn(other))
  .map((name) => [name, new RegExp(`^${name.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`)] as const)

function placesIn(name: string): number {
  return name.split('{').length
}

/** The page's route that was asked for, HEAD as GET. */
function nameOf({ method, path }: Pick<RecordedAnswer, 'method' | 'path'>): string {
  const asked = `${method === 'HEAD' ? 'GET' : method} ${path}`
  return patterns.find(([, pattern]) => pattern.test(asked))?.[0] ?? asked
}

/** What a route may refuse with; a method that its path does not take is no operation's. */
function documentedCodes(name: string): ReadonlySet<string> {
  const route = routes.find(({ method, path }) => `${method} ${path}` === name)
  const codes: readonly ErrorCode[] = route === undefined ? ['not_found'] : [...refusalsOf(route).values()].flat()
  return new Set([...codes, 'method_not_allowed'])
}

/** Those that ask a service, on each dialect. */
function suitesWithServices(): readonly string[] {
  return readdirSync(import.meta.dirname).filter(
    (name) =>
      name.endsWith('.test.ts') &&
      /\bdescribeDialects(InTurn|Everywhere|ByTest)?\(/.test(readFileSync(join(import.meta.dirname, name), 'utf8')),
  )
}

/** `METHOD /path` of each row of a table of routes; a cell may name several, and several methods before one path. */
function routesOf(text: string): readonly string[] {
  return tablesOf(text)
    .filter(([header]) => header?.[0] === 'route')
    .flatMap(([, ...rows]) => rows)
    .flatMap(([cell = '']) =>
      [...cell.matchAll(/((?:`(?:GET|POST|PUT|PATCH|DELETE)` · )*)`(GET|POST|PUT|PATCH|DELETE) (\/[^`]*)`/g)].flatMap(
        ([, before = '', method = '', path = '']) => [
          ...[...before.matchAll(/[A-Z]+/g)].map(([other]) => `${other} ${path}`),
          `${method} ${path}`,
        ],
      ),
    )
}

/** The codes of the table of errors, each with its row's status. */
function codesOf(text: string): ReadonlyMap<string, number> {
  const rows =
    tablesOf(text)
      .find(([header]) => header?.[0] === 'status')
      ?.slice(1) ?? []
  return new Map(
    rows.flatMap(([status = '', codes = '']) =>
      [...codes.matchAll(/`([a-z_]+)`/g)].map(([, code = '']) => [code, Number.parseInt(status, 10)] as const),
    ),
  )
}

/** Headers that the page names, with or without a value. */
function headersOf(text: string): readonly string[] {
  const named = [
    ...text.matchAll(/`([A-Z][A-Za-z]*(?:-[A-Z][A-Za-z]*)+|ETag|Location|Allow|Vary|Authorization)(?::[^`]*)?`/g),
  ]
  return [...new Set(named.map(([, name = '']) => name))]
}

/** The tables, each its rows, each its cells; the first row is the header. */
function tablesOf(text: string): readonly (readonly (readonly string[])[])[] {
  return [...text.matchAll(/(?:^\|.*\n)+/gm)].map(([table]) =>
    table
      .trim()
      .split('\n')
      .filter((line) => !/^\|[-|]+$/.test(line))
      .map((line) =>
        line
          .slice(1, -1)
          .split(/(?<!\\)\|/)
          .map((cell) => cell.trim()),
      ),
  )
}
