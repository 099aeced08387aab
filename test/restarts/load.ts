import { setTimeout as delay } from 'node:timers/promises'
import type { Stage } from '../troubles/stage.ts'

type SentInit = Parameters<Stage['send']>[1]

export interface Load {
  /** Names of workflows whose creation was answered 201. */
  readonly acknowledged: ReadonlySet<string>
  /** Names of all that were asked for. */
  readonly asked: ReadonlySet<string>
  /** How often each status was answered. */
  readonly statuses: ReadonlyMap<number, number>
  /** When, from a moment on, the first read or write was done that was begun after it; by `performance.now()`. */
  firstDone(kind: 'read' | 'write', fromMs: number): number
  end(): Promise<void>
}

/** Who asks again after a refusal, as a client does; less would only measure how fast a Worker refuses. */
const pauseMilliseconds = 20

/**
 * Readers and writers that go on until they are told to end. Half of the writers repeat a refused request with its
 * Idempotency-Key until it is done, the others give it up.
 */
export function startLoad(
  stage: Stage,
  { writers, readers }: { readonly writers: number; readonly readers: number },
): Load {
  const acknowledged = new Set<string>()
  const asked = new Set<string>()
  const statuses = new Map<number, number>()
  const done: { kind: 'read' | 'write'; begunAtMs: number; atMs: number }[] = []
  const state = { isEnding: false }

  async function send(kind: 'read' | 'write', path: string, init?: SentInit): Promise<boolean> {
    const begunAtMs = performance.now()
    const answer = await stage.send(path, init)
    await answer.arrayBuffer()
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    if (answer.ok) done.push({ kind, begunAtMs, atMs: performance.now() })
    else await delay(pauseMilliseconds)
    return answer.ok
  }

  async function write(writer: number): Promise<void> {
    const isPersistent = writer % 2 === 0
    for (let count = 0; !state.isEnding; count += 1) {
      const name = `writer-${writer}-${count}`
      asked.add(name)
      const init = {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': name },
        body: JSON.stringify({ name, definition: { writer, count } }),
      }
      if (await writeOnce(init, isPersistent)) acknowledged.add(name)
    }
  }

  async function writeOnce(init: SentInit, isPersistent: boolean): Promise<boolean> {
    for (;;) {
      const isDone = await send('write', '/v1/workflows', init)
      if (isDone || !isPersistent || state.isEnding) return isDone
    }
  }

  async function read(): Promise<void> {
    while (!state.isEnding) await send('read', `/v1/workflows/${stage.workflowId}`)
  }

  const running = [
    ...Array.from({ length: writers }, (_none, writer) => write(writer)),
    ...Array.from({ length: readers }, () => read()),
  ]
  return {
    acknowledged,
    asked,
    statuses,
    firstDone: (kind, fromMs) => done.find((one) => one.kind === kind && one.begunAtMs >= fromMs)?.atMs ?? Infinity,
    async end() {
      state.isEnding = true
      await Promise.all(running)
    },
  }
}
