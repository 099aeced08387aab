import { expect, test } from 'vitest'
import { Counter, gauge, Histogram, writeFamilies } from './families.ts'

test('counts are written by their labels', () => {
  const counter = new Counter()
  counter.add({ route: '/v1/a', method: 'GET' })
  counter.add({ route: '/v1/a', method: 'GET' })
  counter.add({ route: '/v1/b', method: 'GET' })
  expect(writeFamilies([counter.family('x_total', 'How many.')])).toBe(
    '# HELP x_total How many.\n# TYPE x_total counter\n' +
      'x_total{route="/v1/a",method="GET"} 2\nx_total{route="/v1/b",method="GET"} 1\n',
  )
})

test('what is known beforehand is 0 before anything was counted or observed', () => {
  const counter = new Counter([{ fault: 'a' }, { fault: 'b' }])
  counter.add({ fault: 'b' })
  expect(writeFamilies([counter.family('x_total', 'h')])).toMatch(/^x_total\{fault="a"\} 0\nx_total\{fault="b"\} 1$/m)
  expect(writeFamilies([new Counter([{}]).family('x_total', 'h')])).toMatch(/^x_total 0$/m)
  expect(writeFamilies([new Counter().family('x_total', 'h')])).not.toMatch(/^x_total/m)
  const histogram = new Histogram([1], [{}])
  expect(writeFamilies([histogram.family('x', 'h')])).toMatch(/^x_bucket\{le="1"\} 0$[^]*^x_count 0$/m)
  histogram.observe(0.5)
  expect(writeFamilies([histogram.family('x', 'h')])).toMatch(/^x_count 1$/m)
})

test('buckets hold what is at most their bound, each with those before it', () => {
  const histogram = new Histogram([0.1, 1])
  for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe(value, { a: 'b' })
  expect(
    writeFamilies([histogram.family('x', 'h')])
      .split('\n')
      .slice(2),
  ).toEqual([
    'x_bucket{a="b",le="0.1"} 2',
    'x_bucket{a="b",le="1"} 3',
    'x_bucket{a="b",le="+Inf"} 4',
    'x_sum{a="b"} 7.65',
    'x_count{a="b"} 4',
    '',
  ])
})

test('quotes, backslashes and line breaks in labels and help are escaped', () => {
  const family = gauge('x', 'a\\b\nc', [{ labels: { l: '"\\\n' }, value: 1 }])
  expect(writeFamilies([family])).toBe('# HELP x a\\\\b\\nc\n# TYPE x gauge\nx{l="\\"\\\\\\n"} 1\n')
})
