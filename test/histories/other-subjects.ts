import { creationModel, settingsModel, type Output } from './models.ts'
import { Recorder } from './recorder.ts'
import { as, itemsOf, jsonOf, pick, type People, type Random, type Subject } from './subject.ts'
import type { Answered, System } from './system.ts'

/** Alice's settings. */
export function settingsOf(system: System, { aliceKey }: People): Subject {
  const recorder = new Recorder('settings', system, settingsModel)
  const seen = { revision: 0 }
  let count = 0
  const view = (answer: Answered): Output => {
    if (answer.status !== 200) return { status: answer.status }
    const { revision, data } = jsonOf(answer)
    seen.revision = Math.max(seen.revision, Number(revision))
    return { status: 200, value: { revision, data } }
  }
  const get = () => recorder.send({ kind: 'get' }, as(aliceKey, 'GET', '/v1/settings'), view)
  const put = (random: Random) => {
    count += 1
    const condition = random() < 0.5 ? undefined : seen.revision
    const data = { [pick(['x', 'y'], random)]: count }
    const sent = as(aliceKey, 'PUT', '/v1/settings', { body: { data }, ifMatch: condition })
    return recorder.send({ kind: 'put', data, if: condition }, sent, view)
  }
  const merge = (random: Random) => {
    count += 1
    const change = { [pick(['x', 'y', 'z'], random)]: count }
    return recorder.send({ kind: 'merge', change }, as(aliceKey, 'PATCH', '/v1/settings', { body: change }), view)
  }
  return {
    recorded: recorder,
    acts: [
      { weight: 3, run: get },
      { weight: 4, run: put },
      { weight: 4, run: merge },
    ],
    async readAtLast() {
      await get()
    },
  }
}

/** A workflow that is created under one Idempotency-Key, by whoever wants to. */
export function creationUnderKey(system: System, { aliceKey }: People, name: string): Subject {
  const recorder = new Recorder(`creation ${name}`, system, creationModel)
  const create = () => {
    const sent = as(aliceKey, 'POST', '/v1/workflows', { body: { name, definition: {} }, idempotencyKey: name })
    return recorder.send({ kind: 'create' }, sent, (answer) => {
      if (answer.status === 409) return 'nothing'
      const isReplayed = answer.headers.get('Idempotency-Replayed') === 'true'
      return { status: answer.status, value: { id: jsonOf(answer)['id'], isReplayed } }
    })
  }
  const list = () =>
    recorder.send({ kind: 'list' }, as(aliceKey, 'GET', `/v1/workflows?q=${encodeURIComponent(name)}`), (answer) => ({
      status: answer.status,
      value: itemsOf(answer).map(({ id }) => id),
    }))
  return {
    recorded: recorder,
    acts: [
      { weight: 4, run: create },
      { weight: 1, run: list },
    ],
    async readAtLast() {
      await list()
    },
  }
}
