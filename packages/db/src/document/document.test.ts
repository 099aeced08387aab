import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { checkDocument, type DocumentProblem, isObjectText, type Members, scanBody, scanDocumentBody } from './index.ts'
import type { ScanOptions } from './body.ts'

const documentFields: ReadonlySet<string> = new Set(['definition', 'data', 'state'])
const encoder = new TextEncoder()

function membersOf(body: string | Uint8Array, options?: ScanOptions): Members {
  const scanned = scanBody(body, documentFields, options)
  if (!scanned.ok) throw new Error(scanned.message)
  return scanned.members
}

function textsOf(body: string): Record<string, string> {
  return Object.fromEntries(Array.from(membersOf(body), ([name, member]) => [name, member.text]))
}

function problemsOf(body: string, options?: ScanOptions): readonly DocumentProblem[] {
  return [...membersOf(body, options).values()].flatMap((member) => member.problems)
}

function nested(depth: number, inside = ''): string {
  return '['.repeat(depth) + inside + ']'.repeat(depth)
}

describe('the members of a body keep their exact text', () => {
  test.each([
    ['{}', {}],
    [' \t\r\n{ \t\r\n} \t\r\n', {}],
    ['{"name":"x"}', { name: '"x"' }],
    ['{ "definition" :\n{ "a" : 1.0 , "b":[ ] }\t, "n" : null }', { definition: '{ "a" : 1.0 , "b":[ ] }', n: 'null' }],
    ['{"definition":12345678901234567890123456789e400}', { definition: '12345678901234567890123456789e400' }],
    ['{"definition":-0.0E-07}', { definition: '-0.0E-07' }],
    ['{"definition":{"2":0,"1":0,"b":0,"a":0}}', { definition: '{"2":0,"1":0,"b":0,"a":0}' }],
    ['{"definition":"\\u00e9\\/\\"\\\\\\b\\f\\n\\r\\t"}', { definition: '"\\u00e9\\/\\"\\\\\\b\\f\\n\\r\\t"' }],
    ['{"definition":"😀\\uD83D\\ude00\u2028\u2029\u007fé"}', { definition: '"😀\\uD83D\\ude00\u2028\u2029\u007fé"' }],
    ['{"é😀":1,"definition":"€","b":2}', { 'é😀': '1', definition: '"€"', b: '2' }],
    ['{"\\u0061":1}', { a: '1' }],
    [`{"definition":${nested(64)}}`, { definition: nested(64) }],
    ['{"definition":{"$secrets":1,"secret":2,"proto__":3}}', { definition: '{"$secrets":1,"secret":2,"proto__":3}' }],
    ['{"definition":[{"a":1},{"a":1},{"b":{"a":1},"a":1}]}', { definition: '[{"a":1},{"a":1},{"b":{"a":1},"a":1}]' }],
    ['{"definition":"\ufeff"}', { definition: '"\ufeff"' }],
  ])('%j', (body, texts) => {
    expect(textsOf(body)).toEqual(texts)
    expect(problemsOf(body)).toEqual([])
    const fromBytes = membersOf(encoder.encode(body))
    expect(Object.fromEntries(Array.from(fromBytes, ([name, { text }]) => [name, text]))).toEqual(texts)
  })

  test('in their order, a document as text and a plain member as value', () => {
    const members = membersOf('{"z":[1.0,{"__proto":2}],"definition":{"a": 1.0},"state":null,"a":"\\u0041"}')
    expect([...members.keys()]).toEqual(['z', 'definition', 'state', 'a'])
    expect(Array.from(members.values(), (member) => member.value())).toEqual([
      [1, { __proto: 2 }],
      '{"a": 1.0}',
      'null',
      'A',
    ])
    expect(Array.from(members.values(), (member) => member.document)).toEqual([
      undefined,
      '{"a": 1.0}',
      'null',
      undefined,
    ])
  })
})

describe('a body that is malformed', () => {
  test.each<readonly [string, string]>([
    ['', 'Expected a value at line 1, column 1.'],
    [' \n ', 'Expected a value at line 2, column 2.'],
    ['{', 'Expected a key in double quotes at line 1, column 2.'],
    ['{"a"', 'Expected a colon at line 1, column 5.'],
    ['{"a":', 'Expected a value at line 1, column 6.'],
    ['{"a":1', 'Expected a comma or a closing brace at line 1, column 7.'],
    ['{"a":1]', 'Expected a comma or a closing brace at line 1, column 7.'],
    ['{"a":1,}', 'Expected a key in double quotes at line 1, column 8.'],
    ['{,}', 'Expected a key in double quotes at line 1, column 2.'],
    ['{a:1}', 'Expected a key in double quotes at line 1, column 2.'],
    ["{'a':1}", 'Expected a key in double quotes at line 1, column 2.'],
    ['{"a":1}x', 'Expected the end of the text at line 1, column 8.'],
    ['{"a":1}{', 'Expected the end of the text at line 1, column 8.'],
    ['{"a":1}\u0000', 'Expected the end of the text at line 1, column 8.'],
    ['{"é":[1,]}', 'Expected a value at line 1, column 9.'],
    ['{"😀":[1}', 'Expected a comma or a closing bracket at line 1, column 9.'],
    ['{"a":{"b":1,}}', 'Expected a key in double quotes at line 1, column 13.'],
    ['{"a":{"b" 1}}', 'Expected a colon at line 1, column 11.'],
    ['{"a":[1 2]}', 'Expected a comma or a closing bracket at line 1, column 9.'],
    ['{"a":01}', 'Expected a comma or a closing brace at line 1, column 7.'],
    ['{"a":-}', 'Expected a digit at line 1, column 7.'],
    ['{"a":+1}', 'Expected a value at line 1, column 6.'],
    ['{"a":.5}', 'Expected a value at line 1, column 6.'],
    ['{"a":1.}', 'Expected a digit at line 1, column 8.'],
    ['{"a":1e}', 'Expected a digit at line 1, column 8.'],
    ['{"a":1e+}', 'Expected a digit at line 1, column 9.'],
    ['{"a":NaN}', 'Expected a value at line 1, column 6.'],
    ['{"a":tru}', 'Expected a value at line 1, column 9.'],
    ['{"a":True}', 'Expected a value at line 1, column 6.'],
    ['{"a":undefined}', 'Expected a value at line 1, column 6.'],
    ['{"a":"x}', 'Expected a closing quote at line 1, column 9.'],
    ['{"a":"\n"}', 'Unescaped control character at line 1, column 7.'],
    ['{"a":"\u0000"}', 'Unescaped control character at line 1, column 7.'],
    ['{"a\u001f":1}', 'Unescaped control character at line 1, column 4.'],
    ['{"a":"\\x41"}', 'Unknown escape at line 1, column 7.'],
    ['{"a":"\\u12g4"}', 'Unknown escape at line 1, column 7.'],
    ['{"a":"\\u12', 'Unknown escape at line 1, column 7.'],
    ['{"a":"\\', 'Unknown escape at line 1, column 7.'],
    ['{"a":"\\"}', 'Expected a closing quote at line 1, column 10.'],
    ['{"a":1,//\n"b":2}', 'Expected a key in double quotes at line 1, column 8.'],
    ['{\u00a0}', 'Expected a key in double quotes at line 1, column 2.'],
    ['{\u000b}', 'Expected a key in double quotes at line 1, column 2.'],
    ['{\ufeff}', 'Expected a key in double quotes at line 1, column 2.'],
    ['\ufeff{}', 'The text begins with a byte order mark.'],
    ['{"a":1,"a":1}', 'The body has the same member before at line 1, column 12.'],
    ['{"definition":{},\n"d\\u0065finition":{}}', 'The body has the same member before at line 2, column 19.'],
    ['{"__proto__":1}', 'The body has a member __proto__ at line 1, column 14.'],
    ['{"\\u005f_proto__":1}', 'The body has a member __proto__ at line 1, column 19.'],
    ['[1', 'Expected a comma or a closing bracket at line 1, column 3.'],
    ['nul', 'Expected a value at line 1, column 4.'],
    ['{"definition":{"a":1,"a":2},"b":}', 'Expected a value at line 1, column 33.'],
  ])('%j', (body, message) => {
    const malformed = { ok: false, problem: 'malformed', message }
    expect(scanBody(body, documentFields)).toEqual(malformed)
    expect(scanBody(encoder.encode(body), documentFields)).toEqual(malformed)
  })

  test.each([
    ['a lone continuation byte', [0x80]],
    ['an overlong encoding', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a character beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
    ['a truncated character', [0xe2, 0x82]],
  ])('has %s in place of UTF-8', (_, bytes) => {
    const body = Uint8Array.from([...encoder.encode('{"definition":"'), ...bytes, ...encoder.encode('"}')])
    const malformed = { ok: false, problem: 'malformed', message: 'The text is not valid UTF-8.' }
    expect(scanBody(body, documentFields)).toEqual(malformed)
    expect(scanDocumentBody(body)).toEqual(malformed)
    expect(checkDocument(body)).toEqual(malformed)
  })

  test.each(['[]', ' null ', '1', '"a"', 'true', nested(65)])('is told from JSON of another kind: %s', (body) => {
    const notObject = { ok: false, problem: 'not_object', message: 'must be an object' }
    expect(scanBody(body, documentFields)).toEqual(notObject)
  })

  test('is never quoted', () => {
    const scanned = scanBody('{"password":"S3CRET", S3CRET', documentFields)
    expect(JSON.stringify(scanned)).not.toContain('S3CRET')
  })
})

const duplicate = 'must not repeat a key of its object'
const nul = 'must not hold U+0000'
const lone = 'must not hold a lone surrogate'
const deep = 'must not be nested deeper than 64 containers'
const proto = 'must not be named __proto__'
const secretHere = 'must not be a secret: secrets belong into settings'

type Refusal = readonly [body: string, ...problems: (readonly [pointer: string, message: string])[]]

const refusals: readonly Refusal[] = [
  ['{"definition":"\\u0000"}', ['/definition', nul]],
  ['{"definition":{"a":["x","a\\u0000b"]}}', ['/definition/a/1', nul]],
  ['{"definition":{"a\\u0000":1}}', ['/definition/a\u0000', 'must not have U+0000 in its key']],
  ['{"definition":"\\ud800"}', ['/definition', lone]],
  ['{"definition":"\\uDC00"}', ['/definition', lone]],
  ['{"definition":"\\ud800\\ud800\\udc00"}', ['/definition', lone]],
  ['{"definition":"\\ud800x\\udc00"}', ['/definition', lone]],
  ['{"definition":"\\ud800\\n"}', ['/definition', lone]],
  ['{"definition":"\\udc00\\ud800"}', ['/definition', lone]],
  ['{"definition":{"\\udfff":1}}', ['/definition/\udfff', 'must not have a lone surrogate in its key']],
  ['{"definition":"\ud800"}', ['/definition', lone]],
  ['{"definition":"\ud83d\\ude00"}', ['/definition', lone]],
  ['{"definition":["é\udc00é"],"name":"😀"}', ['/definition/0', lone]],
  ['{"definition":{"a":1,"a":2}}', ['/definition/a', duplicate]],
  ['{"definition":{"a":1,"\\u0061":2}}', ['/definition/a', duplicate]],
  ['{"definition":{"\\u00e9":1,"é":2}}', ['/definition/é', duplicate]],
  ['{"definition":{"\\ud83d\\ude00":1,"😀":2}}', ['/definition/😀', duplicate]],
  ['{"definition":{"":1,"":2}}', ['/definition/', duplicate]],
  ['{"definition":{"a":{"b":1},"c":[{"b":1,"b":1}]}}', ['/definition/c/0/b', duplicate]],
  ['{"definition":{"a/b~c":1,"a/b~c":1}}', ['/definition/a~1b~0c', duplicate]],
  ['{"definition":{"a":1,"a":2,"a":3}}', ['/definition/a', duplicate], ['/definition/a', duplicate]],
  ['{"definition":{"__proto__":1}}', ['/definition/__proto__', proto]],
  ['{"definition":[0,{"\\u005f_pr\\u006fto__":{}}]}', ['/definition/1/__proto__', proto]],
  ['{"definition":{"$secret":"x"}}', ['/definition/$secret', secretHere]],
  ['{"definition":{"a":[{"\\u0024secret":1}]}}', ['/definition/a/0/$secret', secretHere]],
  [`{"definition":${nested(65)}}`, [`/definition${'/0'.repeat(64)}`, deep]],
  [
    `{"definition":[0,${nested(64)},${nested(80)}]}`,
    [`/definition/1${'/0'.repeat(63)}`, deep],
    [`/definition/2${'/0'.repeat(63)}`, deep],
  ],
  [
    `{"definition":${nested(64, '{"a":1,"a":"\\u0000"}')},"state":"\\u0000"}`,
    [`/definition${'/0'.repeat(64)}`, deep],
    ['/state', nul],
  ],
  [`{"definition":${'{"a":'.repeat(65)}1${'}'.repeat(65)}}`, [`/definition${'/a'.repeat(64)}`, deep]],
  [
    '{"definition":["\\u0000",{"x":1,"x":1},"\\ud800"]}',
    ['/definition/0', nul],
    ['/definition/1/x', duplicate],
    ['/definition/2', lone],
  ],
  ['{"name":"a\\u0000"}', ['/name', nul]],
  ['{"name":"\\ud800"}', ['/name', lone]],
  ['{"scopes":["read","\\u0000"]}', ['/scopes/1', nul]],
  ['{"other":{"a":1,"a":2,"__proto__":3}}', ['/other/a', duplicate], ['/other/__proto__', proto]],
  [`{"other":${nested(65)}}`, [`/other${'/0'.repeat(64)}`, deep]],
]

describe('what not every database and reader can keep is refused with its pointer', () => {
  for (const [body, ...problems] of refusals) {
    test(JSON.stringify(body).slice(0, 200), () => {
      expect(problemsOf(body)).toEqual(problems.map(([pointer, message]) => ({ pointer, message })))
      const refused = [...membersOf(body).values()].filter((member) => member.problems.length > 0)
      expect(refused.filter((member) => member.document !== undefined)).toEqual([])
    })
  }

  test('also as bytes, and among many keys', () => {
    const keys = Array.from({ length: 40 }, (_, index) => `"k${index}":${index}`)
    const body = `{"definition":{${[...keys, '"k3":0', '"k\\u0033\\u0039":0', '"__proto__":0'].join(',')}}}`
    const problems = membersOf(encoder.encode(body)).get('definition')?.problems
    expect(problems).toEqual([
      { pointer: '/definition/k3', message: duplicate },
      { pointer: '/definition/k39', message: duplicate },
      { pointer: '/definition/__proto__', message: proto },
    ])
  })

  test('but keys whose hashes collide are not taken for one', () => {
    // 'Aa' and 'BB' have the same hash in base 31, and so has every sequence of them.
    const keys = ['AaAaAa', 'AaAaBB', 'AaBBAa', 'AaBBBB', 'BBAaAa', 'BBAaBB', 'BBBBAa', 'BBBBBB']
    const members = keys.map((name) => `"${name}":1`).join(',')
    expect(problemsOf(`{"definition":{${members}}}`)).toEqual([])
    expect(problemsOf(`{"definition":{${members},"AaBBAa":1}}`)).toEqual([
      { pointer: '/definition/AaBBAa', message: duplicate },
    ])
  })

  test('save $secret in a field that may hold secrets, and in a plain one', () => {
    const options = { secretFields: new Set(['data']) }
    expect(problemsOf('{"data":{"a":[{"$secret":"x"}]},"other":{"$secret":1}}', options)).toEqual([])
    expect(problemsOf('{"state":{"$secret":"x"}}', options)).toEqual([
      { pointer: '/state/$secret', message: secretHere },
    ])
  })

  test('at most 20 times, and with pointers of bounded length', () => {
    const many = problemsOf(`{"definition":[${Array.from({ length: 50 }, () => '"\\u0000"').join(',')}]}`)
    expect(many.map(({ pointer }) => pointer)).toEqual(Array.from({ length: 20 }, (_, index) => `/definition/${index}`))
    const key = 'k'.repeat(100_000)
    const long = membersOf(`{"definition":{"${key}":["\\u0000","\\u0000"]}}`).get('definition')
    expect(long?.problems).toEqual([{ pointer: `/definition/${key}/0`, message: nul }])
    expect(long?.document).toBeUndefined()
  })

  test('and a plain member nested too deep has no value', () => {
    expect(
      membersOf(`{"other":${nested(64)}}`)
        .get('other')
        ?.value(),
    ).toEqual(JSON.parse(nested(64)))
    expect(
      membersOf(`{"other":${nested(65)}}`)
        .get('other')
        ?.value(),
    ).toBeUndefined()
  })
})

describe('a list of bodies', () => {
  const list = { list: { field: 'items', mostItems: 3 } }

  test('has documents of its own in exact text', () => {
    const items = membersOf('{"items" : [ {"name":"a","definition":{"x": 1.0} },{}, 7 ] }', list).get('items')
    expect(items?.value()).toEqual([{ name: 'a', definition: '{"x": 1.0}' }, {}, 7])
    expect(items?.text).toBe('[ {"name":"a","definition":{"x": 1.0} },{}, 7 ]')
    expect(items?.problems).toEqual([])
  })

  test('reports by the item, and tells documents from plain members', () => {
    const plain = membersOf('{"items":[{"name":"\\u0000"},{"definition":{}}]}', list).get('items')
    expect(plain?.problems).toEqual([{ pointer: '/items/0/name', message: nul }])
    expect(plain?.isAboutDocument).toBe(false)
    const document = membersOf('{"items":[{},{"definition":{"a":1,"a":1}}]}', list).get('items')
    expect(document?.problems).toEqual([{ pointer: '/items/1/definition/a', message: duplicate }])
    expect(document?.isAboutDocument).toBe(true)
  })

  test('refuses a member that an item has twice', () => {
    const items = membersOf('{"items":[{"name":"a","n\\u0061me":"b"},{"__proto__":{"x":[]}}]}', list).get('items')
    expect(items?.problems).toEqual([
      { pointer: '/items/0/name', message: duplicate },
      { pointer: '/items/1/__proto__', message: proto },
    ])
  })

  test('beyond its most items is plain, and another kind of value too', () => {
    const items = membersOf('{"items":[{},{},{},{"definition":{"a":1.0}}]}', list).get('items')
    expect(items?.value()).toEqual([{}, {}, {}, { definition: { a: 1 } }])
    expect(membersOf('{"items":{"definition":1}}', list).get('items')?.value()).toEqual({ definition: 1 })
  })

  test.each(['{"items":[', '{"items":[{}', '{"items":[{},]}', '{"items":[{"a":1 "b"]}', '{"items":[{]}'])(
    'that is malformed makes the body so: %s',
    (body) => {
      expect(scanBody(body, documentFields, list)).toMatchObject({ ok: false, problem: 'malformed' })
    },
  )
})

describe('a document that may hold secrets', () => {
  const options = { secretFields: new Set(['definition']) }
  const depthsOf = (text: string) => membersOf(`{"definition":${text}}`, options).get('definition')?.problems

  test('may nest two containers more, in which a secret may stand', () => {
    expect(depthsOf(nested(64, '{"$secret":{"ref":"x"}}'))).toEqual([])
    expect(scanDocumentBody(nested(66))).toMatchObject({ ok: true, member: { problems: [] } })
  })

  test('is refused by the first container beyond 64, once, where it nests deeper still', () => {
    const pointer = `/definition${'/0'.repeat(64)}`
    expect(depthsOf(nested(67))).toEqual([{ pointer, message: deep }])
    expect(depthsOf(nested(66, '[],[[]],[]'))).toEqual([{ pointer, message: deep }])
  })
})

describe('a body that is itself the document', () => {
  test('has its exact text, and pointers from the body', () => {
    const scanned = scanDocumentBody(' {"a": null, "b": {"$secret": "x"}} ')
    if (!scanned.ok) throw new Error(scanned.message)
    expect(scanned.member.document).toBe('{"a": null, "b": {"$secret": "x"}}')
    const refused = scanDocumentBody('{"a":{"b":"\\u0000","c":1,"c":2}}')
    if (!refused.ok) throw new Error(refused.message)
    expect(refused.member.problems).toEqual([
      { pointer: '/a/b', message: nul },
      { pointer: '/a/c', message: duplicate },
    ])
  })

  test.each(['{"a":1,"\\u0061":2}', '{"__proto__":null}', '{"a":1}}', ''])('is malformed: %s', (body) => {
    expect(scanDocumentBody(body)).toMatchObject({ ok: false, problem: 'malformed' })
  })
})

describe('a text that stands alone', () => {
  test('is a document without the white space around it', () => {
    const checked = checkDocument('\n { "a" : 1.0 }\n')
    expect(checked).toEqual({ ok: true, text: '{ "a" : 1.0 }' })
    expect(checked.ok && isObjectText(checked.text)).toBe(true)
    const list = checkDocument('[{}]')
    expect(list.ok && isObjectText(list.text)).toBe(false)
  })

  test('is refused by the same rules', () => {
    const problems = [{ pointer: '/a', message: duplicate }]
    expect(checkDocument('{"a":1,"a":2}')).toEqual({ ok: false, problem: 'refused', problems })
    expect(checkDocument('{"__proto__":1}')).toMatchObject({ problem: 'refused' })
    expect(checkDocument('{"$secret":1}')).toMatchObject({ problem: 'refused' })
    expect(checkDocument('{"$secret":1}', { mayHoldSecrets: true })).toMatchObject({ ok: true })
    expect(checkDocument('\ufeff{}')).toMatchObject({ problem: 'malformed' })
    expect(checkDocument('{"a":"\ud800"}')).toMatchObject({ problem: 'refused' })
  })
})

describe('time is linear in the length of the body', () => {
  const size = 4 * 1024 * 1024
  const filled = (part: string) => part.repeat(Math.ceil(size / part.length))
  const counted = (part: (index: number) => string) =>
    Array.from({ length: size / 20 }, (_, index) => part(index)).join(',')
  test.each([
    ['open arrays', `{"definition":${filled('[')}`],
    ['arrays', `{"definition":${nested(size / 2)}}`],
    ['objects', `{"definition":${filled('{"a":')}1${'}'.repeat(Math.ceil(size / 5))}}`],
    ['keys', `{"definition":{${counted((index) => `"key-${index}":1`)}}}`],
    ['escaped keys', `{"definition":{${counted((index) => `"\\u006bey-${index}":1`)}}}`],
    ['small objects', `{"definition":[${counted((index) => `{"a":${index},"b":1}`)}]}`],
    ['members', `{${counted((index) => `"key-${index}":1`)}}`],
    ['problems', `{"definition":[${counted(() => '{"a":1,"a":2}')}]}`],
    ['escapes', `{"definition":"${filled('\\u00e9\\n')}"}`],
    ['characters beyond ASCII', `{"definition":"${filled('é€😀')}"}`],
    ['a lone surrogate', `{"definition":"${filled('x')}\ud800"}`],
    ['white space', `{"definition":${filled(' ')}1}`],
    ['digits', `{"definition":${filled('9')}}`],
  ])('of %s', (_, body) => {
    // Of the processor, not of the clock: the machine may be busy with other suites.
    const began = process.cpuUsage()
    scanBody(body, documentFields, { list: { field: 'items', mostItems: 100 } })
    const { user, system } = process.cpuUsage(began)
    expect((user + system) / 1000).toBeLessThan(3000)
  })
})

function decoded(literal: string): string {
  return String(JSON.parse(literal))
}

function flawOf(literal: string): 'nul' | 'surrogate' | undefined {
  const value = decoded(literal)
  const isSplit = !literal.isWellFormed() || !value.isWellFormed()
  const nulAt = value.indexOf('\0')
  const loneAt = isSplit ? Array.from(value).findIndex((character) => !character.isWellFormed()) : -1
  if (nulAt === -1) return isSplit ? 'surrogate' : undefined
  return loneAt !== -1 && Array.from(value).indexOf('\0') > loneAt ? 'surrogate' : 'nul'
}

/** The slow and obvious way: split into tokens, recurse, compare decoded keys. */
function reference(text: string, mayHoldSecrets: boolean): readonly DocumentProblem[] | 'malformed' {
  try {
    JSON.parse(text)
  } catch {
    return 'malformed'
  }
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gsu) ?? []
  const problems: DocumentProblem[] = []
  const report = (depth: number, pointer: string, message: string) => {
    if (depth <= 64) problems.push({ pointer, message })
  }
  let next = 0
  const value = (depth: number, pointer: string): void => {
    const token = tokens[next++] ?? ''
    if (token.startsWith('"')) {
      const flaw = flawOf(token)
      if (flaw !== undefined) report(depth, pointer, flaw === 'nul' ? nul : lone)
    }
    if (token !== '{' && token !== '[') return
    if (depth === 64) report(depth, pointer, deep)
    const names = new Set<string>()
    for (let index = 0; tokens[next] !== '}' && tokens[next] !== ']'; index++) {
      let name = String(index)
      if (token === '{') {
        const literal = tokens[next] ?? ''
        name = decoded(literal)
        next += 2
        const at = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
        const flaw = flawOf(literal)
        if (flaw === 'nul') report(depth + 1, at, 'must not have U+0000 in its key')
        if (flaw === 'surrogate') report(depth + 1, at, 'must not have a lone surrogate in its key')
        if (names.has(name)) report(depth + 1, at, duplicate)
        else if (name === '__proto__') report(depth + 1, at, proto)
        else if (name === '$secret' && !mayHoldSecrets) report(depth + 1, at, secretHere)
        names.add(name)
      }
      value(depth + 1, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
      if (tokens[next] === ',') next++
    }
    next++
  }
  value(0, '')
  return problems.slice(0, 20)
}

const blank = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 3 })
const unit = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...Array.from('abc$_/~ é€😀\u2028')) },
  { weight: 2, arbitrary: fc.constantFrom('\\n', '\\/', '\\"', '\\\\', '\\u0061', '\\u00E9', '\\ud83d\\ude00') },
  { weight: 1, arbitrary: fc.constantFrom('\\u0000', '\\ud800', '\\uDC00', '\\ud83d') },
)
const keyText = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit, maxLength: 2 }) },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', '\\u005f_proto__', '$secret', '\\u0024secret', 'a', '\\u0061') },
)
const numberText = fc.constantFrom('0', '-0', '1.0', '1e400', '-1.50E+07', '12345678901234567890', '0.1e-9')

const { text: jsonText } = fc.letrec<{ text: string; padded: string }>((tie) => ({
  padded: fc.tuple(blank, tie('text'), blank).map((parts) => parts.join('')),
  text: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('true', 'false', 'null', '[]', '{}', '[ ]', '{\n}'),
    numberText,
    fc.string({ unit, maxLength: 6 }).map((inner) => `"${inner}"`),
    fc.array(tie('padded'), { maxLength: 5 }).map((elements) => `[${elements.join(',')}]`),
    fc
      .array(fc.tuple(blank, keyText, blank, tie('padded')), { maxLength: 20 })
      .map((members) => `{${members.map(([a, key, b, value]) => `${a}"${key}"${b}:${value}`).join(',')}}`),
    fc.tuple(fc.integer({ min: 60, max: 70 }), tie('text')).map(([depth, inner]) => nested(depth, inner)),
  ),
}))

function verdict(text: string, mayHoldSecrets: boolean): readonly DocumentProblem[] | 'malformed' | 'another text' {
  const checked = checkDocument(text, { mayHoldSecrets })
  if (checked.ok) return checked.text === text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '') ? [] : 'another text'
  return checked.problem === 'malformed' ? 'malformed' : checked.problems
}

describe('for any text', () => {
  test('the scan says what a slow and obvious one says, and slices are exact', () => {
    fc.assert(
      fc.property(blank, jsonText, blank, fc.boolean(), (before, text, after, mayHoldSecrets) => {
        const padded = before + text + after
        expect(verdict(padded, mayHoldSecrets)).toEqual(reference(padded, mayHoldSecrets))
        const body = encoder.encode(`{"é":1,"definition":${padded},"state":${padded}}`)
        const options = mayHoldSecrets ? { secretFields: documentFields } : {}
        const members = membersOf(body, options)
        expect([members.get('definition')?.text, members.get('state')?.text]).toEqual([text, text])
      }),
      { numRuns: 1500 },
    )
  })

  test('a plain member has the value of JSON.parse', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(
          membersOf(JSON.stringify({ other: value }, null, 1))
            .get('other')
            ?.value(),
        ).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('a mutation is accepted only where JSON.parse accepts it', () => {
    const mutation = fc.tuple(
      fc.nat(),
      fc.nat({ max: 3 }),
      fc.oneof(unit, fc.constantFrom(...Array.from('{}[],:"\\0-.eE \u0000\ud800'))),
    )
    fc.assert(
      fc.property(jsonText, fc.array(mutation, { minLength: 1, maxLength: 4 }), (text, mutations) => {
        let mutated = text
        for (const [position, removed, inserted] of mutations) {
          const at = position % (mutated.length + 1)
          mutated = mutated.slice(0, at) + inserted + mutated.slice(at + removed)
        }
        expect(verdict(mutated, false)).toEqual(reference(mutated, false))
      }),
      { numRuns: 3000 },
    )
  })

  test('any bytes are read without throwing, and refused where they are no UTF-8 or no JSON', () => {
    const mutation = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(jsonText, fc.array(mutation, { maxLength: 3 }), (text, mutations) => {
        const bytes = encoder.encode(text)
        for (const [position, byte] of mutations) bytes[position % bytes.length] = byte
        let isJson = true
        try {
          JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
        } catch {
          isJson = false
        }
        const checked = checkDocument(bytes)
        expect(!checked.ok && checked.problem === 'malformed').toBe(!isJson)
      }),
      { numRuns: 2000 },
    )
  })
})
