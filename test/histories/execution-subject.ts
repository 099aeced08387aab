import { routes } from '@millrace/api/app'
import { executionModel, type ExecutionInput } from './execution-model.ts'
import type { Output } from './models.ts'
import { Recorder } from './recorder.ts'
import {
  as,
  itemsOf,
  jsonOf,
  made,
  pick,
  type Act,
  type Json,
  type People,
  type Random,
  type Subject,
} from './subject.ts'
import type { Answered, Sent, System } from './system.ts'

const leaseSeconds = 3600

/** The one execution of a workflow of its own, so that a claim reaches it alone. */
export async function newExecution(system: System, { aliceKey }: People, name: string): Promise<Subject> {
  const creation = as(aliceKey, 'POST', '/v1/workflows', { body: { name, definition: {} } })
  const workflowId = String(made(await system.send(creation))['id'])
  const start = as(aliceKey, 'POST', `/v1/workflows/${workflowId}/executions`, { body: { maxAttempts: 100 } })
  const path = `/v1/executions/${String(made(await system.send(start))['id'])}`
  const recorder = new Recorder(`execution ${name}`, system, executionModel)
  const seen = { fence: 0, given: 0, claims: 0 }
  let count = 0

  const viewOf = ({ status, fence, attempts, state }: Json) => ({ status, fence, attempts, n: state ?? null })
  const learn = ({ fence }: Json) => {
    seen.fence = Math.max(seen.fence, Number(fence))
    if (seen.claims === 0) seen.given = seen.fence
  }
  const told =
    (value: (answer: Answered) => unknown) =>
    (answer: Answered): Output | 'nothing' => {
      if (answer.status === 409) {
        const { code } = jsonOf(answer)
        return code === 'idempotency_in_progress' ? 'nothing' : { status: 409, value: code }
      }
      const found = value(answer)
      return found === undefined ? { status: answer.status } : { status: answer.status, value: found }
    }
  const view = told((answer) => {
    learn(jsonOf(answer))
    return viewOf(jsonOf(answer))
  })
  const send = (input: ExecutionInput, request: Sent, outputOf = view) => recorder.send(input, request, outputOf)

  const get = () => send({ kind: 'get' }, as(aliceKey, 'GET', path))
  const claim = async () => {
    const body = { worker: 'w', leaseSeconds, workflowIds: [workflowId] }
    const claimed = told((answer) => {
      const [item] = itemsOf(answer)
      if (item === undefined) return null
      learn(item)
      seen.given = Math.max(seen.given, Number(item['fence']))
      return viewOf(item)
    })
    seen.claims += 1
    try {
      return await send({ kind: 'claim' }, as(aliceKey, 'POST', '/v1/executions/claim', { body }), claimed)
    } finally {
      seen.claims -= 1
    }
  }
  /** Mostly the newest fence of those. */
  const older = (fence: number, random: Random) => Math.max(0, fence - (random() < 0.15 ? 1 : 0))
  const fenceOf = (random: Random) => older(seen.fence, random)
  // Who ends the hold under a fence that they read, while a claim may still look for what it was given, takes the
  // execution from it: the claim is told that nothing was due (ADR 105).
  const givenFenceOf = (random: Random) => older(seen.given, random)
  const report = (kind: 'give back' | 'complete' | 'pause', status: string) => (random: Random) => {
    const fence = givenFenceOf(random)
    return send({ kind, fence }, as(aliceKey, 'PATCH', path, { body: { fence, status } }))
  }
  const writeState = (random: Random) => {
    count += 1
    const input = { kind: 'write state', fence: fenceOf(random), n: count } as const
    return send(input, as(aliceKey, 'PATCH', path, { body: { fence: input.fence, state: count } }))
  }
  const heartbeat = (random: Random) => {
    const fence = fenceOf(random)
    const sent = as(aliceKey, 'POST', `${path}/heartbeat`, { body: { fence, leaseSeconds } })
    return send(
      { kind: 'heartbeat', fence },
      sent,
      told(() => undefined),
    )
  }
  const order = (kind: 'cancel' | 'resume') => () => send({ kind }, as(aliceKey, 'POST', `${path}/${kind}`))
  const readHistory = () => {
    const entries = told((answer) => itemsOf(answer).map(({ seq, type }) => `${Number(seq)} ${String(type)}`))
    return send({ kind: 'history' }, as(aliceKey, 'GET', `${path}/history?limit=100`), entries)
  }
  const recordStep = (random: Random) => {
    const step = { key: pick(['one', 'two', 'three'], random), output: random() < 0.8 ? 1 : 2 }
    const fence = fenceOf(random)
    const sent = as(aliceKey, 'POST', `${path}/steps`, { body: { fence, steps: [step], leaseSeconds } })
    const seq = told((answer) => (jsonOf(answer)['steps'] as readonly Json[])[0]?.['seq'])
    return send({ kind: 'step', fence, ...step }, sent, seq)
  }
  const signal = () => {
    const sent = as(aliceKey, 'POST', `${path}/signals`, { body: { name: 'go' } })
    return send(
      { kind: 'signal', name: 'go' },
      sent,
      told((answer) => jsonOf(answer)['seq']),
    )
  }
  const acts: readonly Act[] = [
    { weight: 14, run: get },
    { weight: 25, run: claim },
    { weight: 15, run: report('give back', 'pending') },
    { weight: 6, run: report('pause', 'paused') },
    { weight: 1, run: report('complete', 'completed') },
    { weight: 12, run: writeState },
    { weight: 6, run: heartbeat },
    { weight: 8, run: order('resume') },
    { weight: 1, run: order('cancel') },
    { weight: 4, run: readHistory },
    { weight: 14, run: recordStep },
    { weight: 8, run: signal },
  ]
  const isServed = (ending: string) => routes.some((route) => route.path === `/v1/executions/{id}/${ending}`)
  const missing = new Set<Act['run']>([
    ...(isServed('history') ? [] : [readHistory]),
    ...(isServed('steps') ? [] : [recordStep]),
    ...(isServed('signals') ? [] : [signal]),
  ])
  return {
    recorded: recorder,
    acts: acts.filter(({ run }) => !missing.has(run)),
    async readAtLast() {
      await get()
      if (isServed('history')) await readHistory()
    },
  }
}
