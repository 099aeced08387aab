import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startService, type Service } from '../service.ts'
import { workspaceRoot } from '../workspace.ts'
import { readPage } from './markdown.ts'

const run = promisify(execFile)

let service: Service

beforeAll(async () => {
  service = await startService('sqlite')
})
afterAll(() => service.stop())

test('the client’s page is a program that says what the page shows', async () => {
  const { blocks } = readPage('docs/client.md')
  const program = blocks.filter(({ info }) => info === 'ts').map(({ text }) => text)
  const shown = blocks.filter(({ info }) => info === 'text').map(({ text }) => text)
  expect(program.length).toBeGreaterThan(8)
  // In the workspace, so that the page's imports are found.
  const folder = join(workspaceRoot, '.cache/docs')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `client-${process.pid}.ts`)
  writeFileSync(file, program.join('\n'))
  try {
    const env = { ...process.env, MILLRACE_URL: service.urls[0] ?? '' }
    const { stdout, stderr } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', file], { env })
    expect([stdout, stderr]).toEqual([shown.join(''), ''])
  } finally {
    rmSync(file)
  }
})
