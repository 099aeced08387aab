import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startService, type Service } from '../service.ts'
import { workspaceRoot } from '../workspace.ts'
import { readPage } from './markdown.ts'

const run = promisify(execFile)

let service: Service

beforeEach(async () => {
  service = await startService('sqlite')
})
afterEach(() => service.stop())

test.each([
  ['docs/client.md', 8],
  ['docs/durable.md', 3],
])('%s is a program that says what the page shows', async (page, leastBlocks) => {
  const { blocks } = readPage(page)
  const program = blocks.filter(({ info }) => info === 'ts').map(({ text }) => text)
  const shown = blocks.filter(({ info }) => info === 'text').map(({ text }) => text)
  expect(program.length).toBeGreaterThanOrEqual(leastBlocks)
  // In the workspace, so that the page's imports are found.
  const folder = join(workspaceRoot, '.cache/docs')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${basename(page, '.md')}-${process.pid}.ts`)
  writeFileSync(file, program.join('\n'))
  try {
    const env = { ...process.env, MILLRACE_URL: service.urls[0] ?? '' }
    const { stdout, stderr } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', file], { env })
    expect([inOneOrder(stdout), stderr]).toEqual([inOneOrder(shown.join('')), ''])
  } finally {
    rmSync(file)
  }
})

/** Steps that run at once are recorded in either order: neighbouring lines of steps are sorted, whatever their numbers. */
function inOneOrder(shown: string): string {
  return shown.replaceAll(/(?:^\d+ step \w+\n)+/gmu, (steps) => {
    const lines = steps.trimEnd().split('\n')
    const numbers = lines.map((line) => line.split(' ', 1)[0] ?? '')
    const names = lines.map((line) => line.slice(line.indexOf(' '))).toSorted()
    return numbers.map((number, at) => `${number}${names[at] ?? ''}\n`).join('')
  })
}
