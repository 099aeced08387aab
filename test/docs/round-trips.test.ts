import { expect, test } from 'vitest'
import { documentedTrips, type Trips } from '../contract/documented-trips.ts'
import { readPage } from './markdown.ts'

test('the table of round trips shows what the contract suites hold each route to', () => {
  const [, section = ''] = readPage('docs/performance.md').prose.split('## What each route costs in round trips\n')
  const shown = section
    .replace(/\n## .*/s, '')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.slice(2, -2).split(' | '))
  const rows = Object.entries(documentedTrips).map(([route, trips]) => [route, batchedOf(trips), String(trips.mysql)])
  expect(shown).toEqual([['route', 'PostgreSQL, SQLite', 'MySQL'], ...rows])
})

function batchedOf({ postgres, sqlite }: Trips): string {
  return postgres === sqlite ? String(postgres) : `${postgres}; ${sqlite} on SQLite`
}
