import { readFileSync } from 'node:fs'
import type { Client, HistoryEntry, RecordedStep } from '@millrace/client'
import type { LedgerLine } from './shop.ts'

/** What became of an order, and what of it is not as it must be. */
export interface Judged {
  readonly id: string
  readonly status: string
  readonly attempts: number
  /** How often the shop was called for it, repeated calls included. */
  readonly acts: number
  readonly faults: readonly string[]
}

const paths = [
  ['charge', 'notify', 'reserve', 'ship', 'wait:approval', 'wait:approval:until'],
  ['charge', 'refund', 'reserve', 'wait:approval', 'wait:approval:until'],
].map((keys) => keys.join(' '))

/** Holds an order against its history and against what the shop has written down. */
export async function findFaults(client: Client, id: string, ledger: string): Promise<Judged> {
  const { status, attempts } = await client.executions.get(id)
  const steps: RecordedStep[] = []
  for await (const step of client.executions.steps(id)) steps.push(step)
  const history: HistoryEntry[] = []
  for await (const entry of client.executions.history(id)) history.push(entry)
  const calls = linesOf(ledger).filter(({ idempotencyKey }) => idempotencyKey.startsWith(`${id}/`))
  const keys = steps.map(({ key }) => key)
  const checks = {
    'it is not completed': status === 'completed',
    'its steps are not those of one way through': paths.includes(keys.toSorted().join(' ')),
    'its history has a gap': history.every(({ seq }, index) => seq === index + 1),
    'a step was recorded twice': history.filter(({ type }) => type === 'step').length === new Set(keys).size,
    'a step was not done': keys.every((key) => key.startsWith('wait:') || calls.some((call) => isFor(call, id, key))),
    'a step was begun again after its record': steps.every((step) =>
      calls.every((call) => !isFor(call, id, step.key) || call.at <= step.recordedAt),
    ),
  }
  const faults = Object.entries(checks).flatMap(([fault, isRight]) => (isRight ? [] : [fault]))
  return { id, status, attempts, acts: calls.length, faults }
}

function isFor({ idempotencyKey }: LedgerLine, id: string, key: string): boolean {
  return idempotencyKey === `${id}/${key}`
}

function linesOf(ledger: string): readonly LedgerLine[] {
  return readFileSync(ledger, 'utf8')
    .trim()
    .split('\n')
    .map((line) => ledgerLine(JSON.parse(line)))
}

function ledgerLine(parsed: unknown): LedgerLine {
  const members = new Map<string, unknown>(Object.entries({ ...(typeof parsed === 'object' ? parsed : {}) }))
  const text = (name: keyof LedgerLine): string => String(members.get(name))
  return { idempotencyKey: text('idempotencyKey'), worker: text('worker'), at: text('at') }
}
