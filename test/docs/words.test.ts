import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { workspaceRoot } from '../workspace.ts'
import { readPages } from './markdown.ts'

/**
 * What was once written and had to be read twice, with what stands there now. Pages, help and messages are plain technical
 * English: short sentences, the field's words, no inversions.
 */
const banned: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/guide's points/, 'the production checklist'],
  [/what only production needs is no failure/, 'report production-only failures as warnings'],
  [/\b(?:came|come|comes) off\b/, 'succeeded'],
  [/is no (?:field|parameter) here/, 'unknown field, unknown parameter'],
  [/not as it must be/, 'is invalid'],
  [/is no origin/, 'is not a valid origin'],
  [/see (?:them|it) ready/, 'wait until it is ready'],
  [/deploy-step/, 'command-line tools'],
  [/dispensable/, 'then it can be removed'],
  [/['"`]Of a log-in/, 'Access token from `/v1/auth/login`'],
  [/when it is come to/, 'fetched on demand'],
  [/is there already\. It may/, 'already exists. Use --force to overwrite it'],
  [/when nothing has it open too/, 'even after everything has closed it'],
  [/there is no such path\./, 'it returns 404'],
  [/(?:was|were|is|are|none) (?:not )?at hand/, 'not available'],
  [/what mends (?:it|them)/, 'how to fix it'],
  [/Nothing needs mending/, 'Nothing has to be done'],
  [/Take another backup/, 'Use another backup file'],
  [/[Mm]end (?:this|that|it|them|what)\b/, 'Correct this row'],
  [/is none of the (?:known|allowed)/, 'is not one of the allowed values'],
  [/is a hope\b/, 'Test each backup by restoring it'],
  [/what stands at its top/, 'its top level'],
  [/which must not be there yet/, 'the file to write'],
  [/replace the file when it is there/, 'overwrite the file if it exists'],
  [/is shown this once/, 'is shown only in this answer'],
  [/stands? in two places/, 'is used twice'],
  [/how it goes shows here/, 'Its progress is shown here'],
  [/tell whoever runs/, 'tell the operator'],
  [/where (?:the )?guide's topics are/i, 'Coming from the Storage Integration Guide'],
  [/beside the guide's list/, 'Further checks'],
  [/pnpm millrace\b/, 'npx millrace'],
]

/** In the prose of pages alone: comments and names may say more. */
const bannedInPages: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/(?<!round[ -])\btrips?\b(?!\.test)/i, 'round trip'],
  [/\bcures?\b/, 'fix'],
  [/\b(?:adopt(?:ed|ion)?|anchors?|exchange of a request)\b/, 'import, base row, request context'],
  [/\b(?:is|are) (?:told|said)\b(?! that)/, 'is reported, or active voice'],
  [/\banew\b|\bbeside (?:each|one) other\b/, 'again, next to each other'],
  [/\bmend(?:s|ed|ing)?\b/, 'fix'],
  [/\bin place of\b/, 'instead of'],
  [/\b(?:a row a row|(?:ms|s|MB|KiB) a (?:row|request|page))\b/, 'per row'],
  [/\brooms?\b/, 'package, space'],
  [/\b(?:misses|lacks) nothing\b/, 'reaches, is complete'],
  [/\bhalf a tenth\b/, 'almost a tenth'],
  [/\bwhoever\b(?! reads| can)/i, 'the user who, or everyone who'],
]

/** In sources, their comments and names too, and in decisions. The log line's field is the contract's (ADR 172). */
const bannedInSources: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/(?<!["`])\bcures?\b(?!`|"|\??: )|\bcureOf\b/, 'fix'],
  [
    /\b(?:findKept|keptResponse|KeptRow|keepRefusal|keepResponse)\b|\bkept-refusals\b/,
    'a response is stored under its key',
  ],
  [/\b[Ww]hence\b/, 'where a request comes from'],
  [/\border of refusals\b|\brefusalInOrder\b/, 'precedence of refusals'],
  [/\bAPI\.md\b|\bCLI\.md\b|\bDESIGN\.md\b/, 'docs/contract/api.md, docs/contract/cli.md, or the fact itself'],
  [
    /\b(?:row|line|statement|trip|value|beat|one|bytes|statements|rows) a (?:row|request|status|statement|page|column|lease|second|family)\b/,
    'per row',
  ],
]

/** Files that read the log line, where its field has the field's name. */
const readersOfLogLines: ReadonlySet<string> = new Set(['packages/cli/src/log-lines.ts'])

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: workspaceRoot,
  encoding: 'utf8',
}).split('\n')

/** The product's sources, its tools and the decisions. */
const sources = files
  .filter((path) =>
    /^(?:packages\/[^/]+|functions)\/src\/.*\.tsx?$|^(?:scripts|bench)\/.*\.ts$|^docs\/adr\/.*\.md$/.test(path),
  )
  .filter((path) => existsSync(join(workspaceRoot, path)))
  .map((path) => ({ path, lines: readFileSync(join(workspaceRoot, path), 'utf8').split('\n') }))

/** Pages that people read, and sources whose strings people read; what stands in comments counts too. */
function textFiles(): readonly string[] {
  return files.filter((path) =>
    /^(?:README|CONTRIBUTING|CHANGELOG)\.md$|^docs\/[^/]+\.md$|^packages\/(?:api|cli|client|console|db|drivers|gateway)\/(?:src|package)\/.*\.(?:tsx?|js|md)$|^functions\/(?:src|assets\/docs)\/.*\.(?:ts|js)$|^\.env\.example$/.test(
      path,
    ),
  )
}

test.for(banned)('%s is not written any more', ([pattern]) => {
  const found = textFiles().flatMap((path) =>
    readFileSync(join(workspaceRoot, path), 'utf8')
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  )
  expect(found).toEqual([])
})

test.for(bannedInPages)('%s is not written in a page', ([pattern]) => {
  const found = readPages().guides.flatMap(({ path, prose }) =>
    plain(prose)
      .split(/(?<=[.:;|]) /)
      .flatMap((sentence) => (pattern.test(sentence) ? [`${path}: ${sentence}`] : [])),
  )
  expect(found).toEqual([])
})

test.for(bannedInSources)('%s is not written in a source', ([pattern]) => {
  const found = sources
    .filter(({ path }) => !readersOfLogLines.has(path))
    .flatMap(({ path, lines }) =>
      lines.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
    )
  expect(found).toEqual([])
})

test('pages call the command in one way', () => {
  const found = readPages().guides.flatMap(({ path, blocks }) =>
    blocks
      .filter(({ info }) => /^(?:bash|console)/.test(info))
      .flatMap(({ text }) => text.split('\n'))
      .flatMap((line) => (/^(?:\$ )?(?:[A-Z_]+=\S+ )*millrace /.test(line.trim()) ? [`${path}: ${line}`] : [])),
  )
  expect(found).toEqual([])
})

/** Without what stands for itself: names in code, and where links lead. */
function plain(prose: string): string {
  return (
    prose
      .replaceAll(/`[^`]*`/g, 'code')
      // The names of tests, as the page on faults quotes them.
      .replaceAll(/code “[^”]*”/g, 'code')
      .replaceAll(/\]\([^)]*\)/g, ']')
      .replaceAll(/\s+/g, ' ')
  )
}

test('each of the words would be found', () => {
  expect(textFiles().length).toBeGreaterThan(200)
  expect(sources.length).toBeGreaterThan(700)
  for (const line of [
    '/** The cure of a trouble. */',
    'const { cause, cure } = thrown',
    'whence',
    'await findKept(store)',
    'one a row',
    'as API.md says',
  ]) {
    expect(
      bannedInSources.filter(([pattern]) => pattern.test(line)),
      line,
    ).toHaveLength(1)
  }
  for (const line of [
    'log({ cause, cure: fix })',
    'has `cause` and `cure`',
    'the precedence of refusals',
    'one per row',
  ]) {
    expect(
      bannedInSources.filter(([pattern]) => pattern.test(line)),
      line,
    ).toEqual([])
  }
  expect(banned.filter(([pattern]) => pattern.test(['a backup that came', 'off'].join(' ')))).toHaveLength(1)
})
