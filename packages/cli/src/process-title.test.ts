import { expect, test } from 'vitest'
import { titleWithoutSecrets } from './process-title.ts'

test('a URL’s password and token are hidden, however the option is written', () => {
  expect(titleWithoutSecrets(['migrate', '--database', 'postgresql://ada:hush@db/w', '--json'])).toBe(
    'millrace migrate --database postgresql://ada:***@db/w --json',
  )
  expect(titleWithoutSecrets(['copy', '--from=mysql+aiomysql://ada:hush@db/w', '--to', 'sqlite:///w.db'])).toBe(
    'millrace copy --from=mysql+aiomysql://ada:***@db/w --to sqlite:///w.db',
  )
  expect(titleWithoutSecrets(['doctor', '--database', 'libsql://db.turso.io?authToken=hush'])).not.toContain('hush')
})

test('a command line without a secret stays as it is', () => {
  expect(titleWithoutSecrets(['backup', '--out', 'f', '--database', 'sqlite:///./w.db'])).toBeUndefined()
})
