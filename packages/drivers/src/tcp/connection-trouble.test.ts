import { expect, test } from 'vitest'
import { connectionTrouble, wordsAlone } from '../connection-failure.ts'
import { connectionFailureWords } from './connection-trouble.ts'

const withCode = (code: string) => Object.assign(new Error('connect failed'), { code })

test.for([
  ['connection_refused', withCode('ECONNREFUSED')],
  ['unknown_host', withCode('ENOTFOUND')],
  ['tls_unsupported', new Error('The server does not support SSL connections')],
  ['certificate_untrusted', withCode('DEPTH_ZERO_SELF_SIGNED_CERT')],
  ['database_auth_failed', new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string')],
  ['database_auth_failed', new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a non-empty string')],
  [undefined, new Error('Connection terminated unexpectedly')],
] as const)('%s is told in the words of a connection that failed, and read from them', ([trouble, error]) => {
  const words = connectionFailureWords(error)
  expect(connectionTrouble(words)).toBe(trouble)
  expect(wordsAlone(words)).toBe(error.message)
})
