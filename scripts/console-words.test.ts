import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript-5'
import { expect, test } from 'vitest'

const sources = join(import.meta.dirname, '../packages/console/src')
/** Attributes whose text people read or hear. */
const shownAttributes = new Set(['alt', 'aria-label', 'label', 'placeholder', 'title', 'verb'])
/** The product's name is not translated. */
const names = new Set(['Millrace'])

/** Words that stand in markup, and so not in words.ts. */
function wordsIn(source: string): readonly string[] {
  const found: string[] = []
  const take = (text: string): void => {
    if (/\p{L}{2}/u.test(text) && !names.has(text.trim())) found.push(text.trim())
  }
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node)) take(node.text)
    if (ts.isJsxExpression(node) && ts.isJsxElement(node.parent) && node.expression !== undefined) {
      if (ts.isStringLiteralLike(node.expression)) take(node.expression.text)
    }
    if (ts.isJsxAttribute(node) && shownAttributes.has(node.name.getText()) && node.initializer !== undefined) {
      if (ts.isStringLiteral(node.initializer)) take(node.initializer.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('page.tsx', source, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX))
  return found
}

test('every word that a component of the console shows is in words.ts', () => {
  const files = globSync('**/*.tsx', { cwd: sources })
  expect(files.length).toBeGreaterThan(30)
  const found = files.flatMap((file) => wordsIn(readFileSync(join(sources, file), 'utf8')).map((word) => [file, word]))
  expect(found).toEqual([])
})

test('words in markup are found, so that an empty finding says something', () => {
  expect(wordsIn('const a = <p title="Here too" class="not-here">Some words {value} {"and these"}</p>')).toEqual([
    'Here too',
    'Some words',
    'and these',
  ])
})
