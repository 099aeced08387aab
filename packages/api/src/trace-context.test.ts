import { expect, test } from 'vitest'
import { readTraceContext } from './trace-context.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const parent = `00-${traceId}-b7ad6b7169203331-01`

const read = (traceparent: string, tracestate?: string) =>
  readTraceContext(new Headers({ traceparent, ...(tracestate === undefined ? {} : { tracestate }) }))

test('a trace goes on as it came', () => {
  const state = 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE, tenant@vendor=a b'
  expect(read(parent, state)).toEqual({ traceId, headers: { traceparent: parent, tracestate: state } })
})

test('without traceparent there is none', () => {
  expect(readTraceContext(new Headers({ tracestate: 'rojo=1' }))).toBeUndefined()
})

test.each([
  ['upper case', parent.toUpperCase()],
  ['version ff', `ff${parent.slice(2)}`],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
  ['a parent id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
  ['more than version 00 has', `${parent}-what`],
  ['fewer fields', parent.slice(0, -3)],
  ['two of them', `${parent}, ${parent}`],
  ['a later version whose fifth field has no hyphen before it', `01${parent.slice(2)}.what`],
  ['no hex', parent.replace('a', 'g')],
])('%s is no traceparent', (_what, traceparent) => {
  expect(read(traceparent)).toBeUndefined()
})

test('of a later version what is known is read, and passed on as version 00', () => {
  const headers = { traceparent: parent }
  expect(read(`cc${parent.slice(2)}`)).toEqual({ traceId, headers })
  expect(read(`cc${parent.slice(2)}-what.comes.later`)).toEqual({ traceId, headers })
})

test.each([
  ['a key in upper case', 'Rojo=1'],
  ['a key twice', 'rojo=1,rojo=2'],
  ['no value', 'rojo'],
  ['an equals sign in a value', 'rojo=1=2'],
  ['33 members', Array.from({ length: 33 }, (_none, index) => `k${index}=1`).join(',')],
  ['more than 512 characters', `rojo=${'x'.repeat(200)},congo=${'x'.repeat(200)},third=${'x'.repeat(200)}`],
  ['beyond ASCII', 'rojo=\u00e4'],
])('a tracestate with %s is left out, and the trace goes on', (_what, tracestate) => {
  expect(read(parent, tracestate)).toEqual({ traceId, headers: { traceparent: parent } })
})
