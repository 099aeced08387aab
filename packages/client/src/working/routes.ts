import type { createExecutions } from '../resources/executions.ts'

/** What of the API a worker calls. */
export type WorkRoutes = Pick<
  ReturnType<typeof createExecutions>,
  'claim' | 'heartbeat' | 'report' | 'recordSteps' | 'step' | 'steps' | 'nextSignal'
>
