import { appendFileSync } from 'node:fs'
import { sql, type SQL } from 'drizzle-orm'
import { afterAll, expect } from 'vitest'
import { isFaultOfStatement } from './faults.ts'
import { coverageVariable, heardVariable, removedVariable } from './variables.ts'

declare global {
  var guards:
    | {
        isRemoved(id: string): boolean
        /** What is left out, as a part of the keys of statements that are kept. */
        variant(): string
        /** Called by each DatabaseError that is made: the switch for it is in sources.ts. */
        hear(trouble: string, message: string): void
        readonly always: SQL
      }
    | undefined
}

/* What the switches ask. A term is left out for all of a process: statements are built once. */

const removed = process.env[removedVariable]
const coverageFile = process.env[coverageVariable]
const heardFile = process.env[heardVariable]
const reached = new Set<string>()

globalThis.guards = {
  isRemoved(id) {
    reached.add(id)
    return id === removed
  },
  // A process leaves out the same term to its end.
  variant: () => '',
  hear(trouble, message) {
    if (heardFile !== undefined && isFaultOfStatement(trouble, message)) appendLine(heardFile, { message })
  },
  always: sql.raw('1 = 1'),
}

if (coverageFile !== undefined) afterAll(() => appendLine(coverageFile, { reached: [...reached] }))

function appendLine(file: string, content: object): void {
  appendFileSync(file, `${JSON.stringify({ testPath: expect.getState().testPath, ...content })}\n`)
}
