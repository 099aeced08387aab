import type { Engine, StepWork } from './engine.ts'
import { importPeer, versionOf } from './install.ts'

interface Dbos {
  setConfig(config: {
    readonly name: string
    readonly systemDatabaseUrl: string
    readonly systemDatabasePoolSize: number
    readonly logLevel: string
    readonly runAdminServer: boolean
  }): void
  registerWorkflow<Result>(act: () => Promise<Result>, options: { readonly name: string }): () => Promise<Result>
  runStep<Result>(act: () => Promise<Result>, options: { readonly name: string }): Promise<Result>
  launch(): Promise<void>
  shutdown(): Promise<void>
}

/** Each worker calls a workflow, which runs in its own process at once. */
export async function openDbos(url: string): Promise<Engine> {
  const { DBOS: dbos } = await importPeer<{ readonly DBOS: Dbos }>('@dbos-inc/dbos-sdk')
  let current: StepWork | undefined
  dbos.setConfig({
    name: 'bench',
    systemDatabaseUrl: url,
    systemDatabasePoolSize: 15,
    logLevel: 'error',
    runAdminServer: false,
  })
  const workflow = dbos.registerWorkflow(
    async () => {
      const { steps = 0, onFirstStep = () => undefined } = current ?? {}
      for (let step = 1; step <= steps; step += 1) {
        if (step === 1) onFirstStep()
        await dbos.runStep(() => Promise.resolve({ step }), { name: `step-${step}` })
      }
    },
    { name: 'bench' },
  )
  await dbos.launch()

  async function runSteps(work: StepWork): Promise<void> {
    current = work
    let left = work.executions
    const worker = async () => {
      for (left -= 1; left >= 0; left -= 1) await workflow()
    }
    await Promise.all(Array.from({ length: work.workers }, worker))
  }

  return { name: `DBOS ${versionOf('@dbos-inc/dbos-sdk')}`, runSteps, close: () => dbos.shutdown() }
}
