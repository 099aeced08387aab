import { asRecord, itemsOf } from '../contract/answers.ts'
import type { Things, Thing } from './things.ts'

/** Of a step that each of them has. */
export const recordedKey = 'fetch the report'

const count = 10
const mostAttempts = 5

/**
 * Executions with steps, a signal and a whole history, which no other request changes: they have ended, so that a
 * stream of their events ends by itself.
 */
export class RecordedExecutions {
  readonly #made = new Map<number, Promise<Thing>>()
  readonly #things: Things

  constructor(things: Things) {
    this.#things = things
  }

  some(pick: number): Promise<Thing> {
    const index = pick % count
    const found = this.#made.get(index) ?? this.#make(index)
    this.#made.set(index, found)
    return found
  }

  async #make(pick: number, attempt = 1): Promise<Thing> {
    const things = this.#things
    const { id: workflowId, owner } = await things.ownWorkflow(pick)
    const path = `/v1/workflows/${workflowId}/executions`
    await things.ask('POST /v1/workflows/{id}/executions', path, owner, {}, true)
    const claim = { worker: 'w', leaseSeconds: 3600, workflowIds: [workflowId] }
    const [claimed] = itemsOf(await things.ask('POST /v1/executions/claim', '/v1/executions/claim', owner, claim, true))
    if (claimed === undefined) {
      // A claim that names no workflow may have come before.
      if (attempt === mostAttempts) throw new Error(`no execution could be recorded in ${attempt} attempts`)
      return this.#make(pick, attempt + 1)
    }
    const { id, fence } = asRecord(claimed)
    const at = `/v1/executions/${String(id)}`
    const steps = [recordedKey, 'send it'].map((key) => ({ key, output: { pick } }))
    await things.ask('POST /v1/executions/{id}/steps', `${at}/steps`, owner, { fence, steps }, true)
    await things.ask('POST /v1/executions/{id}/signals', `${at}/signals`, owner, { name: 'approved' }, true)
    await things.ask('PATCH /v1/executions/{id}', at, owner, { fence, status: 'completed' }, true)
    return { id: String(id), owner }
  }
}
