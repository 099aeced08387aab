/** Why no connection could be made, as far as it can be told. packages/db reads these names back. */
export type ConnectionTrouble =
  | 'connection_refused'
  | 'unknown_host'
  | 'tls_unsupported'
  | 'certificate_untrusted'
  | 'database_auth_failed'

/** Node's and OpenSSL's codes. https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/ */
const troubles: readonly (readonly [RegExp, ConnectionTrouble])[] = [
  [/^ECONNREFUSED$/u, 'connection_refused'],
  [/^(?:ENOTFOUND|EAI_AGAIN)$/u, 'unknown_host'],
  [/^HANDSHAKE_NO_SSL_SUPPORT$/u, 'tls_unsupported'],
  [/CERT|ALTNAME|UNABLE_TO_VERIFY|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH/u, 'certificate_untrusted'],
]

/** pg and mysql2 give these no code, or one that says less than the words. */
const wordedTroubles: readonly (readonly [RegExp, ConnectionTrouble])[] = [
  [/server does not support SSL connections/u, 'tls_unsupported'],
  [/certificate/iu, 'certificate_untrusted'],
  // pg's own, where the server asks for a password and the URL has none.
  [/client password must be a/u, 'database_auth_failed'],
]

/**
 * The words of an error that came before a database server answered, with the trouble's name behind them in brackets
 * where it has one: both protocols have room for a message alone.
 */
export function connectionFailureWords(error: Error): string {
  const words = error.message === '' ? codeOf(error) : error.message
  const trouble = connectionTroubleOf(error)
  return trouble === undefined ? words : `${words} [${trouble}]`
}

function connectionTroubleOf(error: Error): ConnectionTrouble | undefined {
  const code = codeOf(error)
  const found =
    troubles.find(([pattern]) => pattern.test(code)) ?? wordedTroubles.find(([words]) => words.test(error.message))
  return found?.[1]
}

/** An attempt at each address of a name fails with one error of many, which has the code and no words. */
function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
