/**
 * Holds the import boundaries of oxlint.boundaries.ts, closes the ways around them that the rule leaves open, keeps files short, style sheets too, and finds
 * imports that go in a circle, of types alone too.
 * `node scripts/boundaries.ts [FOLDER]` exits 1 when one is crossed; FOLDER is the workspace unless given.
 */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join, posix, resolve } from 'node:path'

const folder = resolve(process.argv[2] ?? join(import.meta.dirname, '..'))

interface WayAround {
  readonly pattern: RegExp
  readonly message: string
}

const waysAround: readonly WayAround[] = [
  { pattern: /\bimport\s*\((?!\s*['"])/, message: 'an import whose name is computed can be checked by nobody' },
  { pattern: /\bimport\s*\(\s*['"][^'"]+['"]\s*\)\s*(\.\s*[A-Z]|\[)/, message: 'write `import type` for a type' },
  { pattern: /\brequire\s*\(/, message: 'write `import`: `require` is not checked' },
  { pattern: /\b(ox|es)lint-disable\b.*no-restricted-imports/, message: 'a boundary is not switched off' },
  { pattern: /\b(ox|es)lint-disable(-next-line|-line)?\s*(\*\/|--|$)/, message: 'name the rule that is switched off' },
]

const sources = readFiles(['packages/*/src/**/*.{ts,tsx}', 'functions/src/**/*.ts'])
const productSources = sources.filter(({ file }) => !/\.test\.tsx?$/.test(file))

const crossings = sources.flatMap(({ file, text }) =>
  text
    .split('\n')
    .flatMap((line, index) =>
      waysAround
        .filter(({ pattern }) => pattern.test(line))
        .map(({ message }) => `${file}:${index + 1}: ${message}: ${line.trim()}`),
    ),
)
for (const crossing of crossings) process.stdout.write(`${crossing}\n`)

const mostLines = 400
/** Tables of data: a list of rows that is read from top to bottom. */
const tablesOfData: ReadonlySet<string> = new Set(['packages/db/src/schema/schema.ts', 'packages/console/src/words.ts'])

const styleSheets = readFiles(['packages/*/src/**/*.css'])
const longFiles = [...productSources, ...styleSheets]
  .filter(({ file }) => !tablesOfData.has(file))
  .map(({ file, text }) => ({ file, lines: text.split('\n').length - 1 }))
  .filter(({ lines }) => lines > mostLines)
for (const { file, lines } of longFiles) {
  process.stdout.write(`${file}: has ${lines} lines, ${mostLines} at most: give a part of it a file of its own\n`)
}

/** Each file, and the files of the same package that it imports. */
const imported = new Map(
  productSources.map(({ file, text }) => [
    file,
    Array.from(text.matchAll(/\b(?:from|import\(|import)\s*'(\.{1,2}\/[^']+)'/g), ([, path = '']) =>
      posix.join(posix.dirname(file), path),
    ),
  ]),
)

/** The first circle below a file, as the files on the way; files without one are added to `straight`. */
function circleFrom(file: string, way: readonly string[], straight: Set<string>): readonly string[] | undefined {
  if (way.includes(file)) return [...way.slice(way.indexOf(file)), file]
  if (straight.has(file)) return undefined
  for (const next of imported.get(file) ?? []) {
    const circle = circleFrom(next, [...way, file], straight)
    if (circle !== undefined) return circle
  }
  straight.add(file)
  return undefined
}

const straightFiles = new Set<string>()
const circle = [...imported.keys()]
  .map((file) => circleFrom(file, [], straightFiles))
  .find((found) => found !== undefined)
if (circle !== undefined) {
  process.stdout.write(`${circle.join(' -> ')}: imports go in a circle: give what both need a file of its own\n`)
}

function readFiles(patterns: readonly string[]): readonly { readonly file: string; readonly text: string }[] {
  return globSync(patterns, { cwd: folder })
    .map((file) => file.replaceAll('\\', '/'))
    .map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }))
}

const oxlint = spawnSync('oxlint', ['--config', 'oxlint.boundaries.ts', '--format', 'unix'], {
  cwd: folder,
  stdio: ['ignore', 'inherit', 'inherit'],
})
if (oxlint.error !== undefined) throw oxlint.error
process.exitCode = crossings.length > 0 || longFiles.length > 0 || circle !== undefined || oxlint.status !== 0 ? 1 : 0
