import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bucketNames, loadEnvironment, settingNames, settingsOnly } from './environment.ts'
import { Failure } from './failure.ts'

let caller = ''
let workspace = ''

beforeAll(() => {
  caller = mkdtempSync(join(tmpdir(), 'millrace-caller-'))
  workspace = mkdtempSync(join(tmpdir(), 'millrace-workspace-'))
  writeFileSync(join(workspace, '.env'), 'DATABASE_URL=from-workspace\nMETRICS_TOKEN=from-workspace\n')
  writeFileSync(join(caller, 'mounted'), 'a secret with a line end\n')
})
afterAll(() => {
  rmSync(caller, { recursive: true })
  rmSync(workspace, { recursive: true })
})

const load = (variables: Record<string, string | undefined>) => loadEnvironment(variables, { caller, workspace })

test("the workspace's .env holds where the caller has none, below the process's own variables", () => {
  expect(load({ DATABASE_URL: 'from-process', METRICS_TOKEN: '' })).toMatchObject({
    DATABASE_URL: 'from-process',
    METRICS_TOKEN: 'from-workspace',
  })
})

test("the caller's .env takes the place of the workspace's as a whole, and an empty value in it is absent", () => {
  writeFileSync(join(caller, '.env'), 'DATABASE_URL="from-caller"\nSETTINGS_KEYS=\n')
  try {
    const environment = load({})
    expect(environment['DATABASE_URL']).toBe('from-caller')
    expect(environment).not.toHaveProperty('METRICS_TOKEN')
    expect(environment).not.toHaveProperty('SETTINGS_KEYS')
  } finally {
    rmSync(join(caller, '.env'))
  }
})

test('the mark that editors on Windows put before a text is no part of it', () => {
  writeFileSync(join(caller, '.env'), '\uFEFFDATABASE_URL=from-caller\nMETRICS_TOKEN_FILE=marked\n')
  writeFileSync(join(caller, 'marked'), '\uFEFFtoken\n')
  try {
    expect(load({})).toMatchObject({ DATABASE_URL: 'from-caller', METRICS_TOKEN: 'token' })
  } finally {
    rmSync(join(caller, '.env'))
  }
})

test("NAME_FILE gives the file's text without its line end, and beats .env when the process has it", () => {
  expect(load({ DATABASE_URL_FILE: 'mounted' })['DATABASE_URL']).toBe('a secret with a line end')
})

test.for([...settingNames, ...bucketNames])(
  '%s can stand in a file, with or without a line end, and nowhere twice',
  (name) => {
    expect(load({ [`${name}_FILE`]: 'mounted' })[name]).toBe('a secret with a line end')
    writeFileSync(join(caller, 'bare'), ' as written ')
    expect(load({ [`${name}_FILE`]: join(caller, 'bare') })[name]).toBe(' as written ')
    expect(failureOf({ [`${name}_FILE`]: 'mounted', [name]: 'x' }).words.what).toBe(
      `Both ${name} and ${name}_FILE are set.`,
    )
    const unreadable = failureOf({ [`${name}_FILE`]: '.' })
    expect(unreadable).toMatchObject({ code: 'settings_invalid', exitCode: 2 })
    expect(unreadable.words.what).toContain(`${name}_FILE`)
  },
)

function failureOf(variables: Record<string, string>): Failure {
  try {
    load(variables)
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error('it was loaded')
}

test.for([{ AUTH_KEYS_FILE: 'absent' }, { AUTH_KEYS_FILE: 'mounted', AUTH_KEYS: 'x' }])(
  'a file that is not there, and a setting given twice, are refused: %j',
  (variables) => {
    expect(() => load(variables)).toThrow(Failure)
  },
)

test('only settings are handed on', () => {
  const bucket = Object.fromEntries(bucketNames.map((name) => [name, 'of this machine']))
  expect(settingsOnly({ ...bucket, PATH: '/bin', AUTH_KEYS: 'k:x', AUTH_KEYS_FILE: 'y' })).toEqual({ AUTH_KEYS: 'k:x' })
})

test('a reference that nobody replaced is refused by name, without the rest of the value', () => {
  const { words, code } = failureOf({ DATABASE_URL: 'postgresql://ada:hunter2@${DB_HOST}/db' })
  expect(code).toBe('settings_invalid')
  expect(words.what).toBe('DATABASE_URL contains ${DB_HOST}, which was not replaced.')
  expect(JSON.stringify(words)).not.toContain('hunter2')
})
