import { expect, test } from 'vitest'
import { createAdoptedSecrets } from './adopted.ts'
import { secretsIn } from './data-tree.ts'
import { createSecretSealer } from './sealing.ts'
import { parseStored } from './stored.ts'

const key = { kid: 'k', secret: new Uint8Array(32).fill(7) }
const secrets = createAdoptedSecrets([key])
const data = '{"api_key":"plain secret text","more":{"$secret":"plain secret text"},"list":[{"token":"another"}]}'

test('secrets are sealed as the API does it, and open again for their user alone', async () => {
  const stored = await secrets.seal('ada', data)
  expect(stored).not.toContain('plain secret text')
  const sealed = secretsIn(parseStored(stored))
  const sealer = createSecretSealer([key])
  expect(await Promise.all(sealed.map((secret) => sealer.open('ada', secret)))).toEqual([
    'plain secret text',
    'plain secret text',
    'another',
  ])
  for (const secret of sealed) await expect(sealer.open('bob', secret)).rejects.toThrow('cannot be opened')
})

test('the same settings are sealed to the same text, and no two secrets under one nonce', async () => {
  const stored = await secrets.seal('ada', data)
  expect(await createAdoptedSecrets([key]).seal('ada', data)).toBe(stored)
  const texts = [stored, await secrets.seal('bob', data), await secrets.seal('ada', data.replaceAll('plain', 'other'))]
  const nonces = texts.flatMap((text) => secretsIn(parseStored(text)).map(({ sealed }) => sealed.split('.').at(-2)))
  // `another` is the same secret of the same user at the same place in the first and the third.
  expect(nonces).toHaveLength(9)
  expect(new Set(nonces).size).toBe(8)
})

test('settings without secrets keep their exact text', async () => {
  const text = ' { "theme" : "d\\u0061rk",\n "n": 1.0 } '
  expect(secrets.survey(text)).toBe('none')
  expect(await secrets.seal('ada', text)).toBe(text)
})

test.each([
  '{"a":{"$secret":1}}',
  '{"$secret":"all of it"}',
  '{"a":{"$secret":"x","b":1}}',
  '{"a":{"$secret":{"ref":"r"}}}',
])('%s is unfit', (text) => {
  expect(secrets.survey(text)).toBe('unfit')
})

test('what holds secrets is told without a key', () => {
  expect(createAdoptedSecrets([]).survey(data)).toBe('some')
})
