import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asRecord, readAnswer, type Answer } from '../contract/answers.ts'
import { MailReceiver } from '../contract/mail-receiver.ts'
import { startWorld, type World } from '../contract/world.ts'
import { casesOn, describeDialects } from '../dialects.ts'
import { isLong } from '../sampling.ts'
import { readDocument, type ApiDocument, type Operation } from './document.ts'
import { fillingOf } from './fillings.ts'
import { likely, wrong, type Drawn, type Fault } from './requests.ts'
import { Things, type Account, type Sent } from './things.ts'

/**
 * Requests drawn from the document that the service gives of itself. FUZZ_SEED repeats a run's draws; FUZZ_RUNS says
 * how many successes of each operation there must be: 3 unless given, 100 with TEST_LONG=1.
 */
const seed = Number(process.env['FUZZ_SEED'] ?? crypto.getRandomValues(new Uint32Array(1))[0]) | 0
const wantedSuccesses = Number(process.env['FUZZ_RUNS'] ?? (isLong ? 100 : 3))
/** How often successes that are missing are drawn again: an execution may be claimed under a request's feet. */
const mostRounds = 8
const atOnce = 6

describeDialects((dialect) => {
  const mail = new MailReceiver()
  let world: World
  let things: Things
  let api: ApiDocument
  const counts = new Map<string, Map<number, number>>()
  const faults: string[] = []
  const faultsOf = new WeakMap<Answer, readonly string[]>()

  beforeAll(async () => {
    world = await startWorld(dialect, await mail.start())
    const { json } = await readAnswer(await world.send('nobody', 'GET', '/openapi.json'))
    api = readDocument(json)
    things = new Things(world, mail, (sent, answer) => {
      const ofName = counts.get(sent.name) ?? new Map<number, number>()
      counts.set(sent.name, ofName.set(answer.status, (ofName.get(answer.status) ?? 0) + 1))
      const found = api.faultsOf(sent.name, answer)
      faultsOf.set(answer, found)
      if (found.length > 0) faults.push(reproduction(sent, answer, found))
    })
    await things.settle()
  })
  afterAll(async () => {
    await world.stop()
    mail.stop()
  })

  test(
    'no answer is a 5xx, or other than the document says',
    async () => {
      process.stdout.write(`${dialect}: FUZZ_SEED=${seed} FUZZ_RUNS=${wantedSuccesses}\n`)
      const queue = [...operations()]
      const failures: string[] = []
      const work = async (): Promise<void> => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          await exercise(next).catch((failure: unknown) => failures.push(told(failure)))
        }
      }
      await Promise.all(Array.from({ length: atOnce }, work))
      process.stdout.write(`${tableOf(counts)}\n`)
      expect(failures).toEqual([])
      expect(faults).toEqual([])
    },
    30 * 60_000,
  )

  test('every operation has been done often enough', () => {
    const seldom = operations().map(({ name }) => [name, successes(name)] as const)
    expect(seldom.filter(([, count]) => count < wantedSuccesses)).toEqual([])
  })

  /** Each operation is drawn for on one dialect in a run of everything, by that run's seed. */
  const operations = () => casesOn(dialect, api.operations, 'fuzz')
  const successes = (name: string) =>
    [...(counts.get(name) ?? [])].filter(([status]) => status < 300).reduce((sum, [, count]) => sum + count, 0)

  async function exercise(operation: Operation): Promise<void> {
    await hold(wrong(operation), Math.max(5, Math.ceil(wantedSuccesses / 3)), 0)
    for (let round = 1; round <= mostRounds && successes(operation.name) < wantedSuccesses; round += 1) {
      await hold(likely(operation), wantedSuccesses - successes(operation.name), round)
    }

    function hold(requests: fc.Arbitrary<Drawn>, numRuns: number, round: number): Promise<void> {
      const property = fc.asyncProperty(requests, async (drawn) => {
        const sent = await requestOf(operation, drawn)
        const answer = await things.send(sent)
        const found = faultsOf.get(answer)
        if (found === undefined) throw new Error('the answer was not looked at')
        if (found.length > 0) throw new Error(reproduction(sent, answer, found))
      })
      return fc.assert(property, { seed: seed + round, numRuns })
    }
  }

  async function requestOf(operation: Operation, drawn: Drawn): Promise<Sent> {
    const { name, method } = operation
    const followed = things.cursors.get(name)?.[drawn.pick % 50]
    const filling = await fillingOf(operation, things, drawn)
    const account = filling.account
    const token =
      filling.token ??
      keyFor(operation, account, drawn.pick) ??
      (operation.security === 'metrics' ? world.service.vars['METRICS_TOKEN'] : account?.token)
    const { cursor: _, ...query } = drawn.query
    const path = pathOf(operation.path, { ...drawn.path, ...filling.path }, { ...query, ...filling.query })
    const { 'If-Match': match, 'If-None-Match': noneMatch, ...headers } = drawn.headers
    const sent: Sent = {
      name,
      method,
      path,
      headers: {
        ...headers,
        ...(match === undefined ? {} : { 'If-Match': '*' }),
        ...(noneMatch === undefined || drawn.pick % 4 > 0 ? {} : { 'If-None-Match': '*' }),
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      body: bodyOf(filling.body ?? drawn.body),
      account,
    }
    if (drawn.fault !== undefined) return faulty(sent, operation, drawn.fault)
    if (followed?.account === undefined) return sent
    const own = { ...sent.headers, Authorization: `Bearer ${followed.account.token}` }
    return { ...sent, path: followed.path, headers: own, account: followed.account }
  }

  /** At times an API key of the account's that serves. */
  function keyFor({ keyScopes }: Operation, account: Account | undefined, pick: number): string | undefined {
    if (account !== things.residents[0] || pick % 2 === 0) return undefined
    return things.scopedKeys[keyScopes[pick % keyScopes.length] ?? '']
  }

  function faulty(sent: Sent, operation: Operation, fault: Fault): Sent {
    const { path, headers } = sent
    switch (fault.kind) {
      case 'caller': {
        const { Authorization: _, ...without } = headers
        const token = tokenOf(fault.caller)
        const changed = token === undefined ? without : { ...without, Authorization: `Bearer ${token}` }
        return { ...sent, headers: changed, account: undefined }
      }
      case 'path': {
        const [pathname = '', ...query] = path.split('?')
        const places = operation.path.split('/').flatMap((part, place) => (part.startsWith('{') ? [place] : []))
        const value = encodeURIComponent(fault.value.toWellFormed()) || '%20'
        const segments = pathname.split('/').with(places[fault.index % places.length] ?? 0, value)
        return { ...sent, path: [segments.join('/'), ...query].join('?') }
      }
      case 'query': {
        const parameter = new URLSearchParams({ [fault.name]: fault.value }).toString()
        return { ...sent, path: `${path}${path.includes('?') ? '&' : '?'}${parameter}` }
      }
      case 'header': {
        const changed: Record<string, string> = { ...headers }
        if (fault.value === undefined) delete changed[fault.name]
        else changed[fault.name] = fault.value
        return { ...sent, headers: changed }
      }
      case 'body':
        return { ...sent, body: fault.text, headers: { ...headers, 'Content-Type': fault.type } }
      case 'member': {
        const body: Record<string, unknown> = sent.body === undefined ? {} : { ...asRecord(JSON.parse(sent.body)) }
        const names = [...Object.keys(asRecord(operation.body?.['properties'] ?? {})), 'nothing']
        const name = names[fault.index % names.length] ?? 'nothing'
        if (fault.value === undefined) delete body[name]
        else body[name] = fault.value
        return { ...sent, body: JSON.stringify(body) }
      }
    }
  }

  function tokenOf(caller: Extract<Fault, { kind: 'caller' }>['caller']): string | undefined {
    switch (caller) {
      case 'nobody':
        return undefined
      case 'impostor':
        return 'e30.e30.e30'
      case 'stranger':
      case 'disabled':
        return world.users[caller].token
      default:
        return things.scopedKeys[caller]
    }
  }
})

/** What fast-check says of a failure, with the failure itself. */
function told(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure)
  return `${failure.message}\n${failure.cause instanceof Error ? failure.cause.message : ''}`
}

/** The body as it is sent; undefined where there is none. */
function bodyOf(body: unknown): string | undefined {
  return body === undefined ? undefined : JSON.stringify(body)
}

function pathOf(pattern: string, path: Readonly<Record<string, string>>, query: Drawn['query']): string {
  const filled = pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ''))
  const asked = Object.entries(query).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((one): [string, string] => [name, one]),
  )
  return asked.length === 0 ? filled : `${filled}?${new URLSearchParams(asked).toString()}`
}

/** The request as it can be sent again, what it was answered, and what is wrong with that. Tokens are left out. */
function reproduction(
  { method, path, headers, body, account }: Sent,
  answer: Answer,
  faults: readonly string[],
): string {
  const { Authorization: _, ...shown } = headers
  const asked = `${method} ${path} ${JSON.stringify(shown)} as ${account?.id ?? 'another caller'}, body ${body}`
  return `${faults.join('; ')}\n  ${asked}\n  was answered ${answer.status} ${answer.text.slice(0, 500)}`
}

function tableOf(counts: ReadonlyMap<string, ReadonlyMap<number, number>>): string {
  const rows = [...counts].map(([name, ofName]) => {
    const statuses = [...ofName].toSorted(([one], [other]) => one - other)
    return `${name.padEnd(48)} ${statuses.map(([status, count]) => `${status}×${count}`).join(' ')}`
  })
  return rows.toSorted().join('\n')
}
