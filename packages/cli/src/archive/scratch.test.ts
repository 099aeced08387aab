import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { removeLeftovers } from './scratch.ts'

/** No process has it: the largest that Linux gives is 4,194,304. */
const gone = 9_999_999

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-leftovers-'))
  vi.stubEnv('TMPDIR', folder)
  for (const name of [`drill-${gone}-a`, `drill-${gone}-b`, `adoption-${gone}-c`, `drill-${process.pid}-d`]) {
    mkdirSync(join(folder, `millrace-${name}`))
  }
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

function failing(name: string, code: string) {
  return (path: string) => {
    if (basename(path) === name) throw Object.assign(new Error(code), { code })
    rmSync(path, { recursive: true })
  }
}

test('what commands left behind goes, and what belongs to one that runs stays', () => {
  removeLeftovers()
  expect(readdirSync(folder)).toEqual([`millrace-drill-${process.pid}-d`])
})

test.each(['EACCES', 'EPERM'])("another user's, which gives %s, is passed over, and the others go", (code) => {
  const theirs = `millrace-drill-${gone}-a`
  removeLeftovers(failing(theirs, code))
  expect(readdirSync(folder).toSorted()).toEqual([theirs, `millrace-drill-${process.pid}-d`].toSorted())
})

test('a disk that fails is told', () => {
  expect(() => removeLeftovers(failing(`millrace-drill-${gone}-a`, 'EIO'))).toThrow('EIO')
})
