import { setTimeout as pause } from 'node:timers/promises'
import { toJson, type Handler } from '@millrace/client'
import { stepsOf } from './definition.ts'
import { afterStep, progressOf } from './progress.ts'

/**
 * Runs a workflow node by node and saves after each, so that whoever takes over goes on where this worker was cut off.
 * A step here takes its time and makes a digest; yours would call something.
 */
export function runWorkflow(stepMilliseconds: number): Handler {
  return async (execution, { signal, save }) => {
    let progress = progressOf(execution.state, execution.input)
    for (const step of stepsOf(execution.definition)) {
      if (progress.done.includes(step.id)) continue
      await pause(stepMilliseconds, undefined, { signal })
      progress = afterStep(progress, step)
      await save(toJson(progress))
    }
    return { status: 'completed', state: toJson(progress) }
  }
}
