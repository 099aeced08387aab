import { expect, test } from 'vitest'
import { dotEnvWarnings } from './dot-env.ts'

const names = ['DATABASE_URL', 'AUTH_KEYS', 'SETTINGS_KEYS', 'LOG_LEVEL']

test.for([
  ['DATABASE_URL=x\n\n# a comment\nexport AUTH_KEYS = "k:x"\nOTHER=1\nAUTH_KEYS_FILE=/run/keys\n', []],
  ['DATABSE_URL=x', ['.env line 1: DATABSE_URL is not a setting of millrace. Did you mean DATABASE_URL?']],
  ['\nAUTH_KEY=secret-value', ['.env line 2: AUTH_KEY is not a setting of millrace. Did you mean AUTH_KEYS?']],
  ['database_url=x', ['.env line 1: database_url is not a setting of millrace. Did you mean DATABASE_URL?']],
  ['DATABASE_URL: x', ['.env line 1 is not NAME=value: it is ignored.']],
  ['AUTH_KEYS="one\nno line of its own\ntwo"\nnonsense', ['.env line 4 is not NAME=value: it is ignored.']],
] as const)('%j gives %j', ([text, warnings]) => {
  expect(dotEnvWarnings(text, names)).toEqual(warnings)
})
