import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readDefinition } from './definition.ts'
import { findSources } from './sources.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-sources-'))
afterAll(() => rmSync(directory, { recursive: true }))

const fill = (name: string) => {
  const path = join(directory, name)
  mkdirSync(path)
  for (const file of ['b.json', 'a.json', '.hidden.json', '._a.json', 'UPPER.JSON', 'notes.txt']) {
    writeFileSync(join(path, file), '{}')
  }
  mkdirSync(join(path, 'folder.json'))
  return path
}

const shown = (path: string) => findSources([path], directory).map((source) => source.shown)

test("a directory's *.json are its files, but hidden ones, by name", () => {
  fill('plain')
  expect(shown('plain')).toEqual([join('plain', 'a.json'), join('plain', 'b.json')])
})

test('a hidden file that is named is one', () => {
  fill('hidden')
  expect(shown('hidden/.hidden.json')).toEqual(['hidden/.hidden.json'])
})

test('a link to nothing is a file that cannot be read, not none', () => {
  symlinkSync('nowhere', join(fill('linked'), 'c.json'))
  const sources = findSources(['linked'], directory)
  expect(sources.map((source) => source.shown)).toContain(join('linked', 'c.json'))
  const read = sources.map(readDefinition)
  expect(read.map(({ ok }) => ok)).toEqual([true, true, false])
})

test('a pipe, which can be read but once, is refused unopened, and is none of the files of a directory', () => {
  execFileSync('mkfifo', [join(fill('piped'), 'c.json')])
  expect(shown('piped')).toEqual([join('piped', 'a.json'), join('piped', 'b.json')])
  expect(() => shown('piped/c.json')).toThrow('neither a file nor a directory')
})
