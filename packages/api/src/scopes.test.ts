import { describe, expect, test } from 'vitest'
import { allows, holdsAll, readScopes, scopes, subsetsOf, writeScopes } from './scopes.ts'

describe('what a key may', () => {
  test.each(scopes)('%s alone allows itself, and only write allows reading too', (scope) => {
    const allowed = scopes.filter((needed) => allows(new Set([scope]), needed))
    expect(allowed).toEqual(scope === 'write' ? ['read', 'write'] : [scope])
  })

  test('no key may change the account; a logged-in user may all', () => {
    expect(allows(new Set(scopes), 'account')).toBe(false)
    expect(allows(undefined, 'account')).toBe(true)
    expect(scopes.every((scope) => allows(undefined, scope))).toBe(true)
  })

  test('it holds what it names, nothing that follows from it', () => {
    expect(holdsAll(new Set(['write']), ['read'])).toBe(false)
    expect(holdsAll(new Set(['write', 'read']), ['read'])).toBe(true)
    expect(holdsAll(undefined, scopes)).toBe(true)
  })
})

describe('scopes as text', () => {
  test('are written in one order, without repetition, and read back', () => {
    expect(writeScopes(['admin', 'read', 'read'])).toBe('read,admin')
    expect(readScopes('read,admin')).toEqual(['read', 'admin'])
  })

  test.each(['', 'admin,read', 'read,read', 'read,', 'root', 'read, admin'])('%j is no scopes', (text) => {
    expect(readScopes(text)).toBeUndefined()
  })

  test('subsets are all those of what is held, and none more', () => {
    const subsets = subsetsOf(new Set(['write', 'read', 'admin']))
    expect(subsets.toSorted()).toEqual(
      ['read', 'write', 'admin', 'read,write', 'read,admin', 'write,admin', 'read,write,admin'].toSorted(),
    )
  })
})
