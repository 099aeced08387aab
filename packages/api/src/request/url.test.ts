import { expect, test } from 'vitest'
import { readUrl } from './url.ts'

test.each([
  'http://localhost/',
  'http://localhost/v1/workflows/a%2Fb',
  'https://example.com:8443//v1?q=a+b&q=%2B&limit=5#part?no',
  'http://[::1]:8787/v1/workflows?',
  'http://localhost/a#b?c=d',
  'http://localhost/?at=12:00://x',
])('%s is cut as the URL parser cuts it', (text) => {
  const { pathname, searchParams } = new URL(text)
  const read = readUrl(new Request(text).url)
  expect([read.pathname, [...read.query]]).toEqual([pathname, [...searchParams]])
})
