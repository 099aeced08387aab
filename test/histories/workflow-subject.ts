import { workflowModel, type If, type Output } from './models.ts'
import { Recorder } from './recorder.ts'
import {
  as,
  itemsOf,
  jsonOf,
  made,
  pick,
  statusAlone,
  type Json,
  type People,
  type Random,
  type Subject,
} from './subject.ts'
import type { Answered, System } from './system.ts'

/** A workflow of alice's, which bob may or may not edit. */
export async function newWorkflow(system: System, people: People, name: string): Promise<Subject> {
  const { aliceKey, bobKey, bobId } = people
  const creation = as(aliceKey, 'POST', '/v1/workflows', { body: { name, definition: { n: 0 } } })
  const path = `/v1/workflows/${String(made(await system.send(creation))['id'])}`
  const recorder = new Recorder(`workflow ${name}`, system, workflowModel(name, 0))
  const seen = { revision: 1, versions: 1 }
  let count = 0

  const view = (answer: Answered): Output => {
    if (answer.status !== 200) return { status: answer.status }
    const { revision, versionNumber, definition, name: named } = jsonOf(answer)
    seen.revision = Math.max(seen.revision, Number(revision))
    seen.versions = Math.max(seen.versions, Number(versionNumber))
    return { status: 200, value: { revision, versionNumber, n: (definition as Json)['n'], name: named } }
  }
  const versions = (answer: Answered): Output =>
    answer.status === 200
      ? { status: 200, value: itemsOf(answer).map(({ versionNumber }) => versionNumber) }
      : { status: answer.status }
  const condition = (random: Random): If =>
    random() < 0.5 ? '*' : Math.max(1, seen.revision - Math.floor(random() * 1.3))

  const get = () => recorder.send({ kind: 'get' }, as(aliceKey, 'GET', path), view)
  const getByBob = () => recorder.send({ kind: 'get by bob' }, as(bobKey, 'GET', path), view)
  const list = () => recorder.send({ kind: 'versions' }, as(aliceKey, 'GET', `${path}/versions?limit=100`), versions)
  const patch = (kind: 'patch' | 'patch by bob', key: string, random: Random) => {
    count += 1
    const input = { kind, n: count, if: condition(random) }
    return recorder.send(input, as(key, 'PATCH', path, { body: { definition: { n: count } }, ifMatch: input.if }), view)
  }
  const rename = (random: Random) => {
    count += 1
    const input = { kind: 'rename', name: `${name} ${count}`, if: condition(random) } as const
    return recorder.send(input, as(aliceKey, 'PATCH', path, { body: { name: input.name }, ifMatch: input.if }), view)
  }
  const restore = (random: Random) => {
    const input = { kind: 'restore', version: 1 + Math.floor(random() * seen.versions), if: condition(random) } as const
    const sent = as(aliceKey, 'POST', `${path}/versions/${input.version}/restore`, { body: {}, ifMatch: input.if })
    return recorder.send(input, sent, view)
  }
  const share = (random: Random) => {
    const permission = pick(['view', 'edit'] as const, random)
    const sent = as(aliceKey, 'POST', `${path}/shares`, { body: { userId: bobId, permission } })
    return recorder.send({ kind: 'share', permission }, sent, statusAlone)
  }
  const unshare = () =>
    recorder.send({ kind: 'unshare' }, as(aliceKey, 'DELETE', `${path}/shares/${bobId}`), statusAlone)
  const remove = (random: Random) => {
    const input = { kind: 'delete', if: condition(random) } as const
    return recorder.send(input, as(aliceKey, 'DELETE', path, { ifMatch: input.if }), statusAlone)
  }

  return {
    recorded: recorder,
    acts: [
      { weight: 14, run: get },
      { weight: 6, run: getByBob },
      { weight: 5, run: list },
      { weight: 25, run: (random) => patch('patch', aliceKey, random) },
      { weight: 15, run: (random) => patch('patch by bob', bobKey, random) },
      { weight: 8, run: rename },
      { weight: 10, run: restore },
      { weight: 7, run: share },
      { weight: 5, run: unshare },
      { weight: 1, run: remove },
    ],
    async readAtLast() {
      await get()
      await getByBob()
      await list()
    },
  }
}
