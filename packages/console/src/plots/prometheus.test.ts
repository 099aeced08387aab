import { expect, test } from 'vitest'
import { readSamples, sumOf } from './prometheus.ts'

test('a scrape is read by name, summed over labels; comments and what is no number are passed over', () => {
  const samples = readSamples(
    [
      '# HELP millrace_requests_total Requests',
      '# TYPE millrace_requests_total counter',
      'millrace_requests_total{method="GET",route="/v1/workflows/{id}",status="200"} 3',
      'millrace_requests_total{method="POST",route="a \\"} 9\\" b",status="201"} 2',
      'millrace_pool NaN',
      'millrace_up 1 1700000000',
      '',
    ].join('\n'),
  )
  expect(sumOf(samples, 'millrace_requests_total')).toBe(5)
  expect(sumOf(samples, 'millrace_up')).toBe(1)
  expect(sumOf(samples, 'millrace_pool')).toBeNull()
})
