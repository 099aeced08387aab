import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Failure } from './failure.ts'
import { watchTokens } from './gateway-tokens.ts'

function tokenFile(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-tokens-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'token')
  writeFileSync(path, text)
  return path
}

const [newer, older] = ['n'.repeat(32), 'o'.repeat(32)]

test('a file has a token a line, and what it holds later counts a second later', () => {
  const path = tokenFile(`${newer}\r\n\n ${older} \n`)
  let now = 0
  const tokens = watchTokens(path, () => now)
  expect(tokens()).toEqual([newer, older])
  writeFileSync(path, `${newer}\n`)
  now = 999
  expect(tokens()).toEqual([newer, older])
  now = 1000
  expect(tokens()).toEqual([newer])
})

test('a file that is emptied, half written or taken away opens no door, and closes none', () => {
  const path = tokenFile('only\n')
  let now = 0
  const tokens = watchTokens(path, () => now)
  for (const spoil of [
    () => writeFileSync(path, '\n'),
    () => writeFileSync(path, `${newer}\nhalf`),
    () => rmSync(path),
  ]) {
    spoil()
    now += 1000
    expect(tokens()).toEqual(['only'])
  }
})

test.for(['', ' \n'])('a file that holds none at the start is refused: %j', (text) => {
  expect(() => watchTokens(tokenFile(text))).toThrow(Failure)
  expect(() => watchTokens('/nowhere/at/all')).toThrow(Failure)
})
