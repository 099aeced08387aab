import type { Client, Received, Sent } from '../load.ts'
import { quantileOf, sumOf } from '../statistics.ts'
import type { RouteAct, Turn } from './act.ts'
import type { RouteWorld } from './world.ts'

/** What an act gave with so many requests at once. */
export interface RouteResult {
  readonly route: string
  readonly on: string
  readonly atOnce: number
  /** Answers of 2xx. */
  readonly done: number
  /** Those that lost a race, as the contract allows. */
  readonly refused: number
  /** 5xx, refusals that the contract does not name here, and requests without an answer. */
  readonly failed: number
  /** Statements and batches that the service has tried again meanwhile. */
  readonly retries: number
  readonly p50Milliseconds: number
  readonly p99Milliseconds: number
}

interface Answered {
  readonly milliseconds: number
  readonly kind: 'done' | 'refused' | 'failed'
  /** What failed, for people. */
  readonly complaint?: string
}

export interface MeasureOptions {
  /** How many requests are sent at once, one number after the other. */
  readonly numbers: readonly number[]
  /** Is given each fault. */
  readonly complain: (complaint: string) => void
  /** At least so many requests, however few are sent at once, and two by each sender. */
  readonly fewestRequests?: number
}

/** Measures an act with each number of requests at once. */
export async function measureAct(
  world: RouteWorld,
  act: RouteAct,
  { numbers, complain, fewestRequests = 20 }: MeasureOptions,
): Promise<readonly RouteResult[]> {
  const turnsOf = (atOnce: number) => Math.max(2, Math.ceil(fewestRequests / atOnce))
  const turns = sumOf(numbers.map(turnsOf))
  const requests = sumOf(numbers.map((atOnce) => atOnce * turnsOf(atOnce)))
  const requestOf = await act.prepare(world, { requests, turns })
  const results: RouteResult[] = []
  let begun: Turn = { number: 0, turn: 0 }
  for (const atOnce of numbers) {
    const before = await retriesOf(world)
    const answers = await sendTurns(world.client, act, requestOf, { atOnce, turns: turnsOf(atOnce), begun })
    const retries = (await retriesOf(world)) - before
    for (const { complaint } of answers) if (complaint !== undefined) complain(complaint)
    results.push({ route: act.route, on: act.on, atOnce, retries, ...summaryOf(answers) })
    begun = { number: begun.number + answers.length, turn: begun.turn + turnsOf(atOnce) }
  }
  return results
}

/** Each of the senders has its turns one after the other. */
async function sendTurns(
  client: Client,
  act: RouteAct,
  requestOf: (turn: Turn) => Sent,
  { atOnce, turns, begun }: { readonly atOnce: number; readonly turns: number; readonly begun: Turn },
): Promise<readonly Answered[]> {
  const sender = async (index: number): Promise<readonly Answered[]> => {
    const answers: Answered[] = []
    for (let turn = 0; turn < turns; turn += 1) {
      const sent = requestOf({ number: begun.number + turn * atOnce + index, turn: begun.turn + turn })
      answers.push(await sendOne(client, act, sent))
    }
    return answers
  }
  return (await Promise.all(Array.from({ length: atOnce }, (_none, index) => sender(index)))).flat()
}

async function sendOne(client: Client, act: RouteAct, sent: Sent): Promise<Answered> {
  const sentAt = performance.now()
  const received = await client.send(sent).catch((thrown: unknown) => thrown)
  const milliseconds = performance.now() - sentAt
  if (!isReceived(received)) return { milliseconds, kind: 'failed', complaint: `no answer: ${String(received)}` }
  const { status, body } = received
  if (status >= 200 && status < 300) return { milliseconds, kind: 'done' }
  if (status < 500 && act.refusals.some((code) => code === codeOf(body))) return { milliseconds, kind: 'refused' }
  return { milliseconds, kind: 'failed', complaint: `${status} ${body}` }
}

function isReceived(received: unknown): received is Received {
  return typeof received === 'object' && received !== null && 'status' in received
}

function codeOf(body: string): unknown {
  try {
    return (JSON.parse(body) as { readonly code?: unknown }).code
  } catch {
    // Not the service's own: the answer of something before it.
    return undefined
  }
}

function summaryOf(answers: readonly Answered[]) {
  const countOf = (wanted: Answered['kind']) => answers.filter(({ kind }) => kind === wanted).length
  const latencies = answers.map(({ milliseconds }) => milliseconds)
  return {
    done: countOf('done'),
    refused: countOf('refused'),
    failed: countOf('failed'),
    p50Milliseconds: quantileOf(latencies, 0.5),
    p99Milliseconds: quantileOf(latencies, 0.99),
  }
}

async function retriesOf({ client, metricsToken }: RouteWorld): Promise<number> {
  const headers = { Authorization: `Bearer ${metricsToken}` }
  const { status, body } = await client.send({ method: 'GET', path: '/metrics', headers })
  if (status !== 200) throw new Error(`the service tells no metrics: ${status} ${body}`)
  const counted = body.matchAll(/^millrace_database_retries_total\{[^}]*\} (\d+)$/gm)
  return sumOf(Array.from(counted, ([, value]) => Number(value)))
}
