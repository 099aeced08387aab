import { describe, expect, test } from 'vitest'
import { fromBase64url, toBase64url } from '../base64url.ts'
import { sha256Hex } from '../digest.ts'
import { mintApiKey, readApiKey } from './api-keys.ts'

const claims = { userId: 'ada', scopes: ['read', 'worker'], expiresAt: new Date(Date.UTC(2030, 0, 1)) } as const

function withClaims(text: string, parts: unknown): string {
  const [random = ''] = text.split('.')
  return `${random}.${toBase64url(new TextEncoder().encode(JSON.stringify(parts)))}`
}

describe('an API key', () => {
  test('starts with mr_, is read back, and shows a prefix that does not tell it', () => {
    const minted = mintApiKey(claims)
    expect(minted.text).toMatch(/^mr_[\w-]{43}\./)
    expect(minted.prefix).toHaveLength(11)
    expect(readApiKey(minted.text)).toEqual({ ...claims, sha256: sha256Hex(minted.text) })
    expect(minted.sha256).toBe(sha256Hex(minted.text))
  })

  test('is another one each time', () => {
    const [first, second] = [mintApiKey(claims), mintApiKey(claims)]
    expect(first.text).not.toBe(second.text)
    expect(first.prefix).not.toBe(second.prefix)
  })

  test('holds 256 random bits', () => {
    const { text } = mintApiKey({ ...claims, expiresAt: null })
    expect(fromBase64url(text.slice(3, 46))).toHaveLength(32)
  })

  test('has another digest when its claims are altered', () => {
    const minted = mintApiKey(claims)
    const altered = readApiKey(withClaims(minted.text, ['ada', 'read,write,admin', null]))
    expect(altered).toMatchObject({ scopes: ['read', 'write', 'admin'] })
    expect(altered?.sha256).not.toBe(minted.sha256)
  })

  test.each([
    ['no list', { userId: 'ada' }],
    ['no user', [1, 'read', null]],
    ['an id that is none', ['', 'read', null]],
    ['a scope that is none', ['ada', 'root', null]],
    ['no scope', ['ada', '', null]],
    ['a time that is none', ['ada', 'read', 'soon']],
    ['something more', ['ada', 'read', null, 1]],
  ])('is none with %s', (_what, parts) => {
    const { text } = mintApiKey(claims)
    expect(readApiKey(withClaims(text, parts))).toBeUndefined()
  })

  test.each(['mr_', 'mr_short.e30', `mr_${'a'.repeat(43)}`, `mr_${'a'.repeat(43)}.`, `mr_${'a'.repeat(43)}.@@`])(
    '%s is none',
    (text) => {
      expect(readApiKey(text)).toBeUndefined()
    },
  )
})
