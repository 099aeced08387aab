import { expect, test } from 'vitest'
import { exactJson, type HistoryEntry, type RecordedStep } from '@millrace/client'
import { spansOf } from './spans.ts'

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()
const entry = (
  seq: number,
  type: HistoryEntry['type'],
  second: number,
  more: Partial<HistoryEntry> = {},
): HistoryEntry => ({
  seq,
  type,
  at: at(second),
  fence: null,
  worker: null,
  by: null,
  key: null,
  name: null,
  ...more,
})
const step = (key: string, from: number, to: number): RecordedStep => ({
  seq: 1,
  key,
  output: exactJson('null'),
  error: null,
  attempt: 1,
  startedAt: at(from),
  recordedAt: at(to),
})
const seconds = (milliseconds: number) => (milliseconds - Date.parse(at(0))) / 1000

test('an execution is attempts and the waits between them, with steps and signals at their times', () => {
  const history = [
    entry(1, 'created', 0),
    entry(2, 'claimed', 2, { worker: 'w1' }),
    entry(3, 'step', 4, { key: 'a' }),
    entry(4, 'paused', 5),
    entry(5, 'signal', 7, { name: 'go' }),
    entry(6, 'claimed', 8, { worker: 'w2' }),
    entry(7, 'completed', 10),
  ]
  const spans = spansOf({ createdAt: at(0), completedAt: at(10) }, history, [step('a', 3, 4)], Date.parse(at(99)))
  expect(spans.map(({ kind, name, from, to }) => `${kind} ${name} ${seconds(from)}-${seconds(to)}`)).toEqual([
    'wait  0-2',
    'attempt w1 2-5',
    'step a 3-4',
    'wait  5-8',
    'signal go 7-7',
    'attempt w2 8-10',
  ])
})

test('what is under way reaches until now', () => {
  const now = Date.parse(at(9))
  const running = spansOf(
    { createdAt: at(0), completedAt: null },
    [entry(1, 'created', 0), entry(2, 'claimed', 1)],
    [],
    now,
  )
  expect(running.at(-1)).toMatchObject({ kind: 'attempt', to: now })
  const waiting = spansOf({ createdAt: at(0), completedAt: null }, [entry(1, 'created', 0)], [], now)
  expect(waiting).toMatchObject([{ kind: 'wait', to: now }])
})
