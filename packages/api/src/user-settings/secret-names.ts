const lastWords = new Set([
  'token',
  'secret',
  'secrets',
  'password',
  'passwords',
  'passphrase',
  'passphrases',
  'credential',
  'credentials',
  'apikey',
  'apikeys',
])

const beforeKey = new Set(['api', 'access', 'private', 'secret', 'signing', 'encryption'])

/** Whether what stands under a key is a secret by the key's name: `apiKey`, `OPENAI_API_KEY`, `db-password`. */
export function isSecretName(key: string): boolean {
  const words = wordsOf(key)
  const last = words.at(-1) ?? ''
  const lastPart = partsOf(key).at(-1) ?? ''
  if (lastWords.has(last) || lastWords.has(lastPart.toLowerCase())) return true
  return (last === 'key' || last === 'keys') && beforeKey.has(words.at(-2) ?? '')
}

/** Words of camelCase, snake_case and kebab-case, in lower case: `APIKey` is `api`, `key`. */
function wordsOf(key: string): readonly string[] {
  const separated = key.replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2').replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
  return partsOf(separated).map((word) => word.toLowerCase())
}

/** What separators alone make of a key: a capital may be only a word's own, as in `passWord`. */
function partsOf(key: string): readonly string[] {
  return key.split(/[\s_-]+/u).filter((part) => part !== '')
}
