import { describe, expect, test } from 'vitest'
import { statusAfter, statusesBefore, type ExecutionStep } from './execution-transitions.ts'
import { executionStatuses } from './schema.ts'

/** docs/contract/api.md's sentences, as the edges that they name. */
const allowed: Readonly<Record<ExecutionStep, readonly (readonly [string, string])[]>> = {
  claim: [
    ['pending', 'running'],
    ['running', 'running'],
    ['paused', 'running'],
  ],
  exhaust: [
    ['pending', 'failed'],
    ['running', 'failed'],
    ['paused', 'failed'],
  ],
  keep: [['running', 'running']],
  giveBack: [['running', 'pending']],
  pause: [['running', 'paused']],
  complete: [['running', 'completed']],
  fail: [['running', 'failed']],
  cancel: [
    ['pending', 'cancelled'],
    ['running', 'cancelled'],
    ['paused', 'cancelled'],
  ],
  resume: [['paused', 'pending']],
  retry: [
    ['completed', 'completed'],
    ['failed', 'failed'],
    ['cancelled', 'cancelled'],
  ],
}

const steps = Object.keys(allowed).filter((step): step is ExecutionStep => step in allowed)

describe('transitions of executions', () => {
  test.each(steps)('%s leads where the page says, and nowhere else', (step) => {
    const edges = executionStatuses.flatMap((from) => {
      const to = statusAfter(from, step)
      return to === undefined ? [] : [[from, to]]
    })
    expect(edges).toEqual(allowed[step])
    expect(statusesBefore(step)).toEqual(allowed[step].map(([from]) => from))
  })
})
