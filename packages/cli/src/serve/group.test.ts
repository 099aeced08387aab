import { parseSettings } from '@millrace/api/settings'
import { parseDatabaseUrl } from '@millrace/db/url'
import { expect, test } from 'vitest'
import { memberCommand, withPoolOfJobs } from './group.ts'
import { newServiceSecrets } from '../secrets.ts'

const options = { host: '::1', port: 8787, processes: 3, grace: 0 }

test("a member's command line says what was said to the first process, and no URL", () => {
  const url = 'postgresql://ada:hunter2@127.0.0.1/db'
  const { args, env } = memberCommand({ ...options, database: url }, true)
  expect(args.join(' ')).toBe('serve --host ::1 --port 8787 --processes 3 --grace 0 --json')
  expect(env).toEqual({ DATABASE_URL: url, DATABASE_URL_FILE: '' })
})

test('what the environment says of the database stays as it is where no argument was given', () => {
  expect(memberCommand(options, false)).toEqual({
    args: ['serve', '--host', '::1', '--port', '8787', '--processes', '3', '--grace', '0'],
    env: {},
  })
})

test.for([
  ['pool_size=5&max_overflow=10', 3],
  ['pool_size=2&max_overflow=0', 2],
  ['pool_size=1&max_overflow=0', 1],
] as const)('with %s, jobs have at most %i connections, one of which is kept', ([query, most]) => {
  const url = `postgresql://ada:secret@127.0.0.1/db?${query}`
  const parsed = parseDatabaseUrl(url)
  const read = parseSettings({ DATABASE_URL: url, ...newServiceSecrets() }, { needsGateway: false })
  if (!parsed.ok || !read.ok) throw new Error('it is refused')
  const chosen = { url, givenBy: 'DATABASE_URL', shownUrl: '', target: parsed.target }
  const { settings } = withPoolOfJobs({ chosen, settings: read.settings, bucket: undefined })
  const { poolSize, maxOverflow } = settings.database.options
  expect({ poolSize, most: poolSize + maxOverflow }).toEqual({ poolSize: 1, most })
})
