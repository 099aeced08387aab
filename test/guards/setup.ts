import { appendFileSync } from 'node:fs'
import { sql, type SQL } from 'drizzle-orm'
import { afterAll, expect } from 'vitest'
import { coverageVariable, removedVariable } from './variables.ts'

declare global {
  var guards: { isRemoved(id: string): boolean; readonly always: SQL } | undefined
}

/* What the switches ask. A term is left out for all of a process: statements are built once. */

const removed = process.env[removedVariable]
const coverageFile = process.env[coverageVariable]
const reached = new Set<string>()

globalThis.guards = {
  isRemoved(id) {
    reached.add(id)
    return id === removed
  },
  always: sql.raw('1 = 1'),
}

if (coverageFile !== undefined) {
  afterAll(() => {
    const { testPath } = expect.getState()
    appendFileSync(coverageFile, `${JSON.stringify({ testPath, reached: [...reached] })}\n`)
  })
}
