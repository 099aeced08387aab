import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findDirectories } from './directories.ts'

let root = ''

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-directories-')))
  for (const directory of ['workspace/packages/one/deep', 'elsewhere'])
    mkdirSync(join(root, directory), { recursive: true })
  for (const directory of ['workspace', 'workspace/packages/one', 'elsewhere']) {
    writeFileSync(join(root, directory, 'package.json'), '{}')
  }
})
afterAll(() => {
  rmSync(root, { recursive: true })
})

test.for([
  ['the working directory, without INIT_CWD', 'elsewhere', undefined, 'elsewhere'],
  ["pnpm's caller, from the workspace root", 'workspace', 'elsewhere', 'elsewhere'],
  ["pnpm's caller, from a package", 'workspace/packages/one', 'workspace', 'workspace'],
  ['the working directory, where INIT_CWD is inherited outside the workspace', 'elsewhere', 'workspace', 'elsewhere'],
  [
    'the working directory, where INIT_CWD is inherited in a folder that pnpm never chooses',
    'workspace/packages/one/deep',
    'elsewhere',
    'workspace/packages/one/deep',
  ],
  ['the working directory, where INIT_CWD is gone', 'workspace', 'absent', 'workspace'],
] as const)('the caller is %s', ([, cwd, initialCwd, caller]) => {
  const initial = initialCwd === undefined ? undefined : join(root, initialCwd)
  const found = findDirectories(join(root, cwd), initial, join(root, 'workspace'))
  expect(found.caller).toBe(join(root, caller))
})
