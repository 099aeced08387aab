import type { Engine, StepWork } from './engine.ts'
import { importPeer, versionOf } from './install.ts'

interface Step {
  run<Result>(options: { readonly name: string }, act: () => Promise<Result>): Promise<Result>
}

interface Worker {
  start(): Promise<void>
  stop(): Promise<void>
}

interface OpenWorkflow {
  defineWorkflow(
    options: { readonly name: string },
    act: (context: { readonly step: Step }) => Promise<object>,
  ): { run(input: object): Promise<{ result(): Promise<unknown> }> }
  newWorker(options: { readonly concurrency: number }): Worker
}

interface Backend {
  stop(): Promise<void>
}

/** Workers poll its tables. */
export async function openOpenWorkflow(url: string): Promise<Engine> {
  const { OpenWorkflow: Engines } = await importPeer<{
    readonly OpenWorkflow: new (options: { readonly backend: Backend }) => OpenWorkflow
  }>('openworkflow')
  const { BackendPostgres: Backends } = await importPeer<{
    readonly BackendPostgres: { connect(url: string): Promise<Backend> }
  }>('openworkflow', '/postgres')
  const backend = await Backends.connect(url)
  const engine = new Engines({ backend })
  let current: StepWork | undefined
  let endOne: () => void = ignored
  const workflow = engine.defineWorkflow({ name: 'bench' }, async ({ step }) => {
    const { steps = 0, onFirstStep = () => undefined } = current ?? {}
    for (let number = 1; number <= steps; number += 1) {
      if (number === 1) onFirstStep()
      await step.run({ name: `step-${number}` }, () => Promise.resolve({ step: number }))
    }
    endOne()
    return {}
  })

  async function runSteps(work: StepWork): Promise<void> {
    current = work
    let left = work.executions
    const { promise, resolve } = Promise.withResolvers<void>()
    endOne = () => {
      left -= 1
      if (left === 0) resolve()
    }
    const worker = engine.newWorker({ concurrency: work.workers })
    for (let execution = 0; execution < work.executions; execution += 1) await workflow.run({})
    await worker.start()
    await promise
    await worker.stop()
  }

  return { name: `OpenWorkflow ${versionOf('openworkflow')}`, runSteps, close: () => backend.stop() }
}

function ignored(): void {}
