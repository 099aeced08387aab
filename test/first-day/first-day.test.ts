import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { isCi, testWhere } from '../dialects.ts'
import { findChromium } from '../servers/chromium.ts'
import { workspaceRoot } from '../workspace.ts'

const run = promisify(execFile)
const isLong = process.env['TEST_LONG'] === '1'
/** Without Chromium it cannot be played; in CI that is a failure. */
const canPlay = isCi() || !('missing' in findChromium())
const shortMilliseconds = 300_000
const longMilliseconds = 1_200_000

const page = readFileSync(join(workspaceRoot, 'docs/first-day.md'), 'utf8')

async function play(...args: readonly string[]): Promise<string> {
  const main = join(workspaceRoot, 'test/first-day/main.ts')
  const flags = ['--disable-warning=ExperimentalWarning', main, ...args]
  const { stdout } = await run(process.execPath, flags, { maxBuffer: 10_000_000 })
  return stdout
}

const titlesOf = (text: string): readonly string[] =>
  [...text.matchAll(/^## \d+\. (.*)$/gm)].map(([, title = '']) => title)

/** What would tell where it was played. */
function tracesOf(text: string): readonly string[] {
  return [hostname(), workspaceRoot, '/tmp/', 'first-day-', '/root/'].filter((trace) => text.includes(trace))
}

test('docs/first-day.md has nothing of the machine that it was made on', () => {
  expect(titlesOf(page).length).toBeGreaterThan(20)
  expect(tracesOf(page)).toEqual([])
  expect(page).not.toMatch(/mr_[A-Za-z0-9]|AGE-SECRET-KEY-1[0-9A-Z]|eyJ[\w-]{10}/)
})

testWhere(
  canPlay && !isLong,
  'the short day works: dev, import, front end, console, worker, backups, checks',
  async () => {
    const played = await play('--short')
    const titles = titlesOf(page)
    expect(titlesOf(played).filter((title) => !titles.includes(title))).toEqual([])
    expect(titlesOf(played).length).toBeGreaterThan(15)
    expect(tracesOf(played)).toEqual([])
  },
  shortMilliseconds,
)

testWhere(
  canPlay && isLong,
  'the whole day works from the tarballs, and is the one that docs/first-day.md tells of',
  async () => {
    const played = await play()
    expect(titlesOf(played)).toEqual(titlesOf(page))
    expect(tracesOf(played)).toEqual([])
  },
  longMilliseconds,
)
