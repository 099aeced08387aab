import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  containerBeyond,
  nodeAt,
  parseData,
  parsePointer,
  plainBytesOf,
  secretsIn,
  writeData,
  type DataNode,
} from './data-tree.ts'
import { hasRefs, sealFresh, takeSecrets, type SecretSource } from './incoming.ts'
import { mergePatch } from './merge.ts'
import { createSecretSealer, type SecretSealer } from './sealing.ts'
import { isSecretName } from './secret-names.ts'
import { parseStored, writeShown, writeStored } from './stored.ts'

const none = () => {
  throw new Error('there is no secret here')
}

function keyOf(kid: string, byte: number) {
  return { kid, secret: new Uint8Array(32).fill(byte) }
}

function sealerOf(...keys: ReturnType<typeof keyOf>[]): SecretSealer {
  return createSecretSealer(keys)
}

const sealer = sealerOf(keyOf('new', 1), keyOf('old', 2))

function sourceOf(stored: DataNode | undefined): SecretSource {
  let made = 0
  const known = new Map((stored === undefined ? [] : secretsIn(stored)).map((secret) => [secret.ref, secret]))
  return { newRef: () => `ref${(made += 1)}`, kept: (ref) => known.get(ref) }
}

async function taken(text: string, stored?: DataNode): Promise<DataNode> {
  const result = takeSecrets(parseData(text), sourceOf(stored), '/data')
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return sealFresh(result.tree, result.fresh, (ref, plainText) => sealer.seal('ada', ref, plainText))
}

function problemsOf(text: string, stored?: DataNode) {
  const result = takeSecrets(parseData(text), sourceOf(stored), '/data')
  return result.ok ? [] : result.problems
}

describe('the tree', () => {
  test.each([
    ['{"b":1.0,"a":1e400,"10":2,"9":[ ]}', '{"b":1.0,"a":1e400,"10":2,"9":[]}'],
    [' { "a" : [ 1 , { } , "x\\u0041\\"" , null , true ] } ', '{"a":[1,{},"x\\u0041\\"",null,true]}'],
    ['{"\\u0061":12345678901234567890}', '{"a":12345678901234567890}'],
    ['[]', '[]'],
    ['"a,]}b"', '"a,]}b"'],
  ])('%s is written as %s', (text, written) => {
    expect(writeData(parseData(text), none)).toBe(written)
  })

  test('any JSON value comes back the same', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space)
        expect(writeData(parseData(text), none)).toBe(JSON.stringify(JSON.parse(text)))
      }),
    )
  })

  test.each(['a', '\\n', '\\\\'])('a string of a million times %s is read', (character) => {
    const text = `{"a":"${character.repeat(1_000_000)}","b":1}`
    expect(writeData(parseData(text), none)).toBe(text)
  })

  test.each([
    ['1', 0, undefined],
    ['{}', 1, undefined],
    ['{}', 0, ''],
    ['[[],{"a":[]}]', 3, undefined],
    ['[[],{"a/":[[]],"b":[]}]', 2, '/1/a~1'],
  ])('of %s the first container beyond %i is at %s', (text, levels, pointer) => {
    expect(containerBeyond(parseData(text), levels, '')).toBe(pointer)
  })

  test('a list of half a million is measured', () => {
    const text = `[${'0,'.repeat(500_000)}0]`
    expect(containerBeyond(parseData(text), 1, '')).toBeUndefined()
    expect(plainBytesOf(parseData(text))).toBe(text.length)
  })

  test.each([
    ['', '{"a":{"b~/c":[1,2]}}'],
    ['/a/b~0~1c/1', '2'],
    ['/a/b~0~1c/01', undefined],
    ['/a/b~0~1c/-', undefined],
    ['/nothing', undefined],
  ])('the pointer %s leads to %s', (pointer, text) => {
    const node = nodeAt(parseData('{"a":{"b~/c":[1,2]}}'), parsePointer(pointer) ?? ['no pointer'])
    expect(node && writeData(node, none)).toBe(text)
  })

  test.each(['a', 'a/b', '/~2', '/~'])('%s is no pointer', (pointer) => {
    expect(parsePointer(pointer)).toBeUndefined()
  })
})

describe('names of secrets', () => {
  test.each([
    'token',
    'accessToken',
    'ACCESS_TOKEN',
    'secret',
    'clientSecrets',
    'password',
    'db-password',
    'Passphrase',
    'credentials',
    'apikey',
    'ApiKeys',
    'apiKey',
    'APIKey',
    'OPENAI_API_KEY',
    'private-key',
    'signingKeys',
    'encryption_key',
    'secretKey',
    'accessKey',
    'aws access key',
    'x2Token',
    'passWord',
    'db_PASSword',
    'APIkey',
  ])('%s is one', (name) => {
    expect(isSecretName(name)).toBe(true)
  })

  test.each([
    'tokens',
    'maxTokens',
    'tokenCount',
    'key',
    'publicKey',
    'primaryKey',
    'keys',
    'secretary',
    'api',
    'passwordHint',
    '',
    '_',
    'keyApi',
  ])('%s is none', (name) => {
    expect(isSecretName(name)).toBe(false)
  })
})

describe('secrets that are sent', () => {
  test('are sealed, shown by hint and ref, and open again for their user alone', async () => {
    const tree = await taken('{"a":{"$secret":"abcdefghijklmn"},"token":"short","n":1.0}')
    const stored = writeStored(tree)
    expect(stored).not.toContain('abcdefghij')
    expect(stored).not.toContain('"short"')
    expect(writeShown(tree)).toBe(
      '{"a":{"$secret":{"hint":"…klmn","ref":"ref1"}},"token":{"$secret":{"hint":"…","ref":"ref2"}},"n":1.0}',
    )
    const [first, second] = secretsIn(parseStored(stored))
    if (first === undefined || second === undefined) throw new Error('secrets are lost')
    expect(await sealer.open('ada', first)).toBe('abcdefghijklmn')
    expect(await sealer.open('ada', second)).toBe('short')
    await expect(sealer.open('bea', first)).rejects.toThrow()
    await expect(sealer.open('ada', { ...first, ref: second.ref })).rejects.toThrow()
    await expect(sealer.open('ada', { ...first, sealed: second.sealed })).rejects.toThrow()
  })

  test('strings in arrays under a secret name are secrets, numbers and objects are not', async () => {
    const tree = await taken('{"passwords":["one",["two"],3,{"a":"four"}],"a":["five"]}')
    expect(secretsIn(tree)).toHaveLength(2)
    expect(writeShown(tree)).toContain('3,{"a":"four"}],"a":["five"]}')
  })

  test('sent back by ref they are kept, wherever they stand', async () => {
    const stored = await taken('{"a":{"$secret":"abcdefghijklmn"}}')
    const tree = await taken('{"moved":[{"$secret":{"hint":"…klmn","ref":"ref1"}}]}', stored)
    expect(secretsIn(tree)).toEqual(secretsIn(stored))
  })

  test.each([
    ['{"a":[{"$secret":{"ref":"x"}}]}', true],
    ['{"a":{"$secret":{}}}', true],
    ['{"a":{"$secret":"ref"},"ref":{"ref":"x"},"token":"x"}', false],
  ])('%s depends on what is stored: %s', (text, depends) => {
    expect(hasRefs(parseData(text))).toBe(depends)
  })

  test.each([
    ['{"a":{"$secret":{"ref":"unknown"}}}', '/data/a/$secret'],
    ['{"a":{"$secret":1}}', '/data/a/$secret'],
    ['{"a":{"$secret":{"ref":"x","more":1}}}', '/data/a/$secret'],
    ['{"a/b":[{"$secret":"x","beside":1}]}', '/data/a~1b/0/beside'],
  ])('%s is refused at %s', (text, pointer) => {
    expect(problemsOf(text)).toMatchObject([{ pointer }])
  })

  test('count as their plain string', async () => {
    const tree = await taken('{"a":{"$secret":"ab\\"c"}}')
    expect(plainBytesOf(tree)).toBe('{"a":"ab\\"c"}'.length)
    expect(containerBeyond(tree, 1, '')).toBeUndefined()
  })

  test('are opened by an older key, and current only under the first', async () => {
    const old = sealerOf(keyOf('old', 2))
    const secret = await old.seal('ada', 'r', 'plain')
    expect(await sealer.open('ada', secret)).toBe('plain')
    expect(sealer.isCurrent(secret)).toBe(false)
    expect(old.isCurrent(secret)).toBe(true)
    await expect(sealerOf(keyOf('new', 1)).open('ada', secret)).rejects.toThrow('SETTINGS_KEYS has no key old')
    await expect(sealerOf(keyOf('old', 3)).open('ada', secret)).rejects.toThrow('cannot be opened with the key')
  })

  test('are not sealed without a key, which says what is to be set', async () => {
    await expect(sealerOf().seal('ada', 'r', 'plain')).rejects.toMatchObject({
      message: expect.stringContaining('SETTINGS_KEYS is not set'),
      fix: expect.stringContaining('millrace secrets new'),
    })
  })

  test('keep a byte order mark, and a key whose name has dots', async () => {
    const dotted = sealerOf(keyOf('2026.11', 4))
    const secret = await dotted.seal('ada', 'r', '\uFEFFplain')
    expect(await dotted.open('ada', secret)).toBe('\uFEFFplain')
    expect(dotted.isCurrent(secret)).toBe(true)
  })
})

describe('a merge patch', () => {
  // The cases of RFC 7396, appendix A.
  test.each([
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
    ['{"2":1,"1":1}', '{"1":2.0,"0":1e2}', '{"2":1,"1":2.0,"0":1e2}'],
  ])('%s with %s is %s', (target, patch, result) => {
    expect(writeData(mergePatch(parseData(target), parseData(patch)), none)).toBe(result)
  })

  test('replaces a secret whole, and never writes into one', async () => {
    const stored = await taken('{"a":{"$secret":"abcdefghijklmn"}}')
    const merged = mergePatch(stored, parseData('{"a":{"sealed":"x","ref":"y"}}'))
    expect(writeData(merged, none)).toBe('{"a":{"sealed":"x","ref":"y"}}')
  })
})
