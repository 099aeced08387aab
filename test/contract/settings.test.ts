import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { asRecord, placesOf, tripsOf, type Answer } from './answers.ts'
import { documentedTrips } from './documented-trips.ts'
import { bodyOf, call, expectRefusal, join, keyOf, type Call, type Member } from './members.ts'

const path = '/v1/settings'
const mebibyte = 1_048_576

/** Of reading once, then writing one statement. */
const afterReading = documentedTrips['merge into the settings']
const ofPut = documentedTrips['replace the settings']

describeDialectsByTest((dialect) => {
  let service: Service
  beforeAll(async () => {
    service = await startService(dialect, { vars: { MAX_BODY_BYTES: String(4 * mebibyte) } })
  })
  afterAll(() => service.stop())

  const send = ({ accessToken }: Member, method: string, body?: unknown, more: Call = {}) =>
    call(service, method, path, { token: accessToken, body, ...more })
  const reveal = ({ accessToken }: Member, pointer: unknown) =>
    call(service, 'POST', `${path}/reveal`, { token: accessToken, body: { pointer } })
  const put = (member: Member, data: string, more: Call = {}) => send(member, 'PUT', `{"data":${data}}`, more)
  const patch = (member: Member, text: string, more: Call = {}) => send(member, 'PATCH', text, more)

  /** The exact text of `data` in an answer. */
  function dataOf({ status, text }: Answer): string {
    expect({ status, text }).toEqual({ status: 200, text })
    return /^\{"data":(.*),"revision":\d+,"createdAt":[^,]*,"updatedAt":[^,]*\}$/s.exec(text)?.[1] ?? text
  }

  async function storedOf({ id }: Member): Promise<string> {
    const [row] = await service.database.query(`select settings_data from settings where user_id = '${id}'`)
    const stored = row?.['settings_data']
    return typeof stored === 'string' ? stored : JSON.stringify(stored)
  }

  const refAt = (answer: Answer, name: string): string => {
    const marked = asRecord(asRecord(asRecord(asRecord(answer.json)['data'])[name])['$secret'])
    expect(Object.keys(marked)).toEqual(['hint', 'ref'])
    return String(marked['ref'])
  }

  describe('a document', () => {
    test('that was never written is {} at revision 0', async () => {
      const member = await join(service)
      const answer = await send(member, 'GET')
      expect(answer.text).toBe('{"data":{},"revision":0,"createdAt":null,"updatedAt":null}')
      expect(answer.headers.get('ETag')).toBe('"0"')
      expect(tripsOf(answer)).toBe(1)
      const same = await send(member, 'GET', undefined, { headers: { 'If-None-Match': '"0"' } })
      expect(same.status).toBe(304)
    })

    test('keeps the order of its keys and the spelling of its numbers', async () => {
      const member = await join(service)
      const written = await put(member, '{"b" : 1.0, "10":1e400,"9":[ ],"a":"\\u0041/\\/","é":12345678901234567890}')
      const kept = '{"b":1.0,"10":1e400,"9":[],"a":"\\u0041/\\/","é":12345678901234567890}'
      expect(dataOf(written)).toBe(kept)
      expect(written.headers.get('ETag')).toBe('"1"')
      expect(tripsOf(written)).toBe(ofPut[dialect])
      const read = await send(member, 'GET')
      expect(read.text).toBe(written.text)
      const merged = await patch(member, '{"9":2.50,"z":{"y":null,"x":1},"b":null}')
      expect(dataOf(merged)).toBe(kept.replace('"b":1.0,', '').replace('[]', '2.50').replace(/\}$/, ',"z":{"x":1}}'))
      expect(merged.headers.get('ETag')).toBe('"2"')
      expect(tripsOf(merged)).toBe(afterReading[dialect])
      expect(asRecord(merged.json)['createdAt']).toBe(asRecord(written.json)['createdAt'])
      expect((await send(member, 'GET')).text).toBe(merged.text)
    })

    test('is made by a first patch too', async () => {
      const member = await join(service)
      expect(dataOf(await patch(member, '{"a":{"b":null,"c":1}}'))).toBe('{"a":{"c":1}}')
    })

    test('is nobody else’s', async () => {
      const [one, other] = [await join(service), await join(service)]
      await put(one, '{"mine":1}')
      expect(dataOf(await send(other, 'GET'))).toBe('{}')
      expect(dataOf(await put(other, '{"theirs":1}'))).toBe('{"theirs":1}')
      expect(dataOf(await send(one, 'GET'))).toBe('{"mine":1}')
    })

    test('goes with its user', async () => {
      const member = await join(service)
      await put(member, '{"a":{"$secret":"of one who leaves"}}')
      const body = { password: member.password }
      expect((await call(service, 'DELETE', '/v1/auth/me', { token: member.accessToken, body })).status).toBe(204)
      expectRefusal(await send(member, 'GET'), 401, 'unauthenticated')
      expectRefusal(await put(member, '{}'), 401, 'unauthenticated')
      expectRefusal(await put(member, '{"a":{"$secret":1}}'), 401, 'unauthenticated')
      expectRefusal(await patch(member, '{}'), 401, 'unauthenticated')
    })
  })

  describe('If-Match', () => {
    test('is optional, and a stale or malformed one is 412', async () => {
      const member = await join(service)
      const tag = (text: string) => ({ headers: { 'If-Match': text } })
      expectRefusal(await put(member, '{"a":1}', tag('"1"')), 412, 'precondition_failed')
      expectRefusal(await patch(member, '{"a":1}', tag('"1"')), 412, 'precondition_failed')
      expect(dataOf(await send(member, 'GET'))).toBe('{}')
      expect((await put(member, '{"a":1}', tag('"0"'))).headers.get('ETag')).toBe('"1"')
      expectRefusal(await put(member, '{"a":2}', tag('"0"')), 412, 'precondition_failed')
      expect((await put(member, '{"a":2}', tag('"7", W/"1"'))).status).toBe(200)
      expect((await patch(member, '{"a":3}', tag('"2"'))).status).toBe(200)
      expectRefusal(await patch(member, '{"a":4}', tag('"2"')), 412, 'precondition_failed')
      expectRefusal(await patch(member, '{"a":4}', tag('3')), 412, 'precondition_failed')
      expectRefusal(await put(member, '{"a":4}', tag('x')), 412, 'precondition_failed')
      expect((await put(member, '{"a":5}', tag('*'))).headers.get('ETag')).toBe('"4"')
      const wrong = await put(member, '{"a":{"$secret":1}}', tag('"9"'))
      expectRefusal(wrong, 422, 'validation_failed')
    })

    test('of many first writes at once each is done, one after the other', async () => {
      const member = await join(service)
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          index % 2 === 0 ? put(member, `{"n":${index}}`) : patch(member, `{"p${index}":1}`),
        ),
      )
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
      const tags = answers
        .map(({ headers }) => headers.get('ETag') ?? '')
        .toSorted((one, other) => one.localeCompare(other))
      expect(tags).toEqual(['"1"', '"2"', '"3"', '"4"', '"5"', '"6"'])
    })

    test('of patches at once none is lost', async () => {
      const member = await join(service)
      await put(member, '{}')
      const names = Array.from({ length: 8 }, (_, index) => `k${index}`)
      const answers = await Promise.all(names.map((name) => patch(member, `{"${name}":1}`)))
      expect(answers.map(({ status }) => status)).toEqual(names.map(() => 200))
      const { data } = asRecord((await send(member, 'GET')).json)
      expect(Object.keys(asRecord(data)).toSorted()).toEqual(names)
    })

    test('of writes at once with one tag one is done', async () => {
      const member = await join(service)
      await put(member, '{}')
      const headers = { 'If-Match': '"1"' }
      const answers = await Promise.all(
        [0, 1, 2, 3].map((index) =>
          index % 2 === 0 ? put(member, `{"n":${index}}`, { headers }) : patch(member, `{"n":${index}}`, { headers }),
        ),
      )
      expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([200, 412, 412, 412])
    })
  })

  describe('a secret', () => {
    test('is stored sealed, shown by hint and ref, and revealed', async () => {
      const member = await join(service)
      const answer = await put(
        member,
        '{"a":{"$secret":"sk-abcdefgh1234"},"dbPassword":"tiny","list":{"api-keys":["one long secret",2]}}',
      )
      const [a, short] = [refAt(answer, 'a'), refAt(answer, 'dbPassword')]
      expect(dataOf(answer)).toBe(
        `{"a":{"$secret":{"hint":"…1234","ref":"${a}"}},"dbPassword":{"$secret":{"hint":"…","ref":"${short}"}},` +
          `"list":{"api-keys":[{"$secret":{"hint":"…cret","ref":"${/"ref":"([\w-]+)"\}\},2\]/.exec(answer.text)?.[1]}"}},2]}}`,
      )
      const stored = await storedOf(member)
      for (const plain of ['sk-abc', 'tiny', 'one long']) expect(stored + answer.text).not.toContain(plain)
      expect((await send(member, 'GET')).text).toBe(answer.text)
      const revealed = await reveal(member, '/a')
      expect(revealed.text).toBe('{"value":"sk-abcdefgh1234"}')
      expect(tripsOf(revealed)).toBe(2)
      expect(bodyOf(await reveal(member, '/dbPassword'), 200)).toEqual({ value: 'tiny' })
      expect(bodyOf(await reveal(member, '/list/api-keys/0'), 200)).toEqual({ value: 'one long secret' })
    })

    test('is logged at each use, by its ref, without its value or place', async () => {
      const member = await join(service)
      const answer = await put(member, '{"placeofit":{"$secret":"value-of-the-secret"}}')
      await reveal(member, '/placeofit')
      const logs = service.logs()
      const uses = logs.filter((line) => line.includes('secret_revealed') && line.includes(member.id))
      expect(uses.map((line) => asRecord(JSON.parse(line))['ref'])).toEqual([refAt(answer, 'placeofit')])
      expect(logs.join('\n')).not.toMatch(/placeofit|value-of-the-secret/)
    })

    test('is kept by its ref wherever it then stands, and gone when it is not sent back', async () => {
      const member = await join(service)
      const first = await put(member, '{"a":{"$secret":"first of two secrets"},"b":{"$secret":"second of two"}}')
      const marked = `{"$secret":{"hint":"…","ref":"${refAt(first, 'a')}"}}`
      const moved = await put(member, `{"moved":${marked},"twice":[${marked}]}`)
      expect(tripsOf(moved)).toBe(afterReading[dialect])
      expect(refAt(moved, 'moved')).toBe(refAt(first, 'a'))
      expect(bodyOf(await reveal(member, '/twice/0'), 200)).toEqual({ value: 'first of two secrets' })
      const gone = await patch(member, `{"b":{"$secret":{"ref":"${refAt(first, 'b')}"}}}`)
      expectRefusal(gone, 422, 'validation_failed')
      expect(placesOf(gone.json)).toEqual(['/b/$secret'])
      const merged = await patch(member, `{"new":{"$secret":{"ref":"${refAt(first, 'a')}"}},"twice":null}`)
      expect(Object.keys(asRecord(asRecord(merged.json)['data']))).toEqual(['moved', 'new'])
    })

    test('of another user cannot be named', async () => {
      const [one, other] = [await join(service), await join(service)]
      const ref = refAt(await put(one, '{"a":{"$secret":"not for the other"}}'), 'a')
      expectRefusal(await put(other, `{"a":{"$secret":{"ref":"${ref}"}}}`), 422, 'validation_failed')
      expectRefusal(await patch(other, `{"a":{"$secret":{"ref":"${ref}"}}}`), 422, 'validation_failed')
    })

    test('moved in the database to another user or ref does not open, and the log says why', async () => {
      const [one, other] = [await join(service), await join(service)]
      await put(one, '{"a":{"$secret":"bound to its user"}}')
      await put(other, '{}')
      const stored = (await storedOf(one)).replaceAll("'", "''")
      await service.database.query(`update settings set settings_data = '${stored}' where user_id = '${other.id}'`)
      const answer = await reveal(other, '/a')
      expectRefusal(answer, 500, 'internal')
      const line = service.logs().find((text) => text.includes(String(asRecord(answer.json)['requestId'])))
      expect(line).toContain('cannot be opened')
    })

    test.each([
      ['{"a":{"$secret":1}}', '/a/$secret'],
      ['{"a":{"$secret":null}}', '/a/$secret'],
      ['{"a":{"$secret":["x"]}}', '/a/$secret'],
      ['{"a":{"$secret":{}}}', '/a/$secret'],
      ['{"a":{"$secret":{"ref":"nothing"}}}', '/a/$secret'],
      ['{"a":{"$secret":{"ref":"x","sealed":"y"}}}', '/a/$secret'],
      ['{"a~/b":[{"$secret":"x","beside":1}]}', '/a~0~1b/0/beside'],
      ['{"$secret":"x"}', ''],
    ])('%s is refused at %s', async (text, pointer) => {
      const member = await join(service)
      for (const [answer, prefix] of [
        [await put(member, text), '/data'],
        [await patch(member, text), ''],
      ] as const) {
        expectRefusal(answer, 422, 'validation_failed')
        expect(placesOf(answer.json)).toEqual([prefix + pointer])
      }
      expect(dataOf(await send(member, 'GET'))).toBe('{}')
    })

    test('may stand anywhere that a string may', async () => {
      const member = await join(service)
      const deep = `${'['.repeat(63)}{"$secret":"deep inside"}${']'.repeat(63)}`
      const answer = await put(member, `{"a":${deep}}`)
      expect(answer.status).toBe(200)
      // Sent back as it was answered.
      expect((await put(member, dataOf(answer))).status).toBe(200)
      expect((await patch(member, `{"a":${deep}}`)).status).toBe(200)
      expect(bodyOf(await reveal(member, `/a${'/0'.repeat(63)}`), 200)).toEqual({ value: 'deep inside' })
    })

    test('survives a patch beside it', async () => {
      const member = await join(service)
      const first = await put(member, '{"a":{"$secret":"stays where it is"},"n":1}')
      const merged = await patch(member, '{"n":2}')
      expect(refAt(merged, 'a')).toBe(refAt(first, 'a'))
      expect(bodyOf(await reveal(member, '/a'), 200)).toEqual({ value: 'stays where it is' })
    })
  })

  describe('reveal', () => {
    test.each<[unknown, number, string, readonly string[]]>([
      ['/nothing', 404, 'not_found', []],
      ['/list/1', 404, 'not_found', []],
      ['/list/00', 404, 'not_found', []],
      ['/a/$secret', 404, 'not_found', []],
      ['', 422, 'validation_failed', ['/pointer']],
      ['/list', 422, 'validation_failed', ['/pointer']],
      ['/list/0', 422, 'validation_failed', ['/pointer']],
      ['a', 422, 'validation_failed', ['/pointer']],
      ['/~2', 422, 'validation_failed', ['/pointer']],
      [7, 422, 'validation_failed', ['/pointer']],
    ])('of %j is %i', async (pointer, status, code, places) => {
      const member = await join(service)
      await put(member, '{"a":{"$secret":"x"},"list":[1]}')
      const answer = await reveal(member, pointer)
      expectRefusal(answer, status, code)
      expect(placesOf(answer.json)).toEqual(places)
    })

    test('needs the scope secrets, which needs nothing else', async () => {
      const member = await join(service)
      await put(member, '{"a":{"$secret":"for the key"}}')
      const ask = async (scopes: readonly string[]) =>
        call(service, 'POST', `${path}/reveal`, {
          token: await keyOf(service, member, scopes),
          body: { pointer: '/a' },
        })
      expectRefusal(await ask(['read', 'write', 'worker']), 403, 'scope_missing')
      expect(bodyOf(await ask(['secrets']), 200)).toEqual({ value: 'for the key' })
    })
  })

  describe('what is too much', () => {
    test('is 413 when it is sent, also by a body that may be larger', async () => {
      const member = await join(service)
      const fits = `{"a":"${'x'.repeat(mebibyte - 8)}"}`
      expect((await put(member, fits)).status).toBe(200)
      expectRefusal(await put(member, `{"a":"${'x'.repeat(mebibyte - 7)}"}`), 413, 'payload_too_large')
      expectRefusal(await put(member, `{"a":"${'é'.repeat(mebibyte / 2)}"}`), 413, 'payload_too_large')
      expectRefusal(await patch(member, '{"b":1}'), 413, 'payload_too_large')
      expect((await patch(member, '{"a":null,"b":1}')).status).toBe(200)
    })

    test('does not count what marks and seals a secret', async () => {
      const member = await join(service)
      const secret = 'x'.repeat(mebibyte - 8)
      expect((await put(member, `{"a":{"$secret":"${secret}"}}`)).status).toBe(200)
      expectRefusal(await put(member, `{"a":{"$secret":"${secret}x"}}`), 413, 'payload_too_large')
      const revealed = await reveal(member, '/a')
      expect(revealed.text.length).toBe('{"value":""}'.length + secret.length)
    })

    test('is 413 when it is more secrets than can be sealed at once, though they are short', async () => {
      const member = await join(service)
      const secrets = (count: number) =>
        `{"tokens":[${Array.from({ length: count }, () => '{"$secret":""}').join(',')}]}`
      expectRefusal(await put(member, secrets(10_001)), 413, 'payload_too_large')
      expectRefusal(await patch(member, secrets(10_001)), 413, 'payload_too_large')
      expect((await put(member, secrets(10_000))).status).toBe(200)
    })

    test.each([
      ['{"a":', 64, '}'],
      ['[', 64, ']'],
    ])('nesting of %s deeper than 64 is 422', async (open, depth, close) => {
      const member = await join(service)
      const inside = open === '[' ? depth - 1 : depth
      const nested = (levels: number) => {
        const text = open.repeat(levels) + '1' + close.repeat(levels)
        return open === '[' ? `{"a":${text}}` : text
      }
      expect((await put(member, nested(inside))).status).toBe(200)
      const place = open === '[' ? `/a${'/0'.repeat(63)}` : '/a'.repeat(64)
      for (const levels of [inside + 1, inside + 2, inside + 9]) {
        const answer = await put(member, nested(levels))
        expectRefusal(answer, 422, 'invalid_json_document')
        expect(placesOf(answer.json)).toEqual([`/data${place}`])
        const patched = await patch(member, nested(levels))
        expectRefusal(patched, 422, 'invalid_json_document')
        expect(placesOf(patched.json)).toEqual([place])
      }
    })
  })

  describe('a body', () => {
    test.each<[string, string, number, string, readonly string[]]>([
      ['PUT', '{"data":[]}', 422, 'validation_failed', ['/data']],
      ['PUT', '{"data":null}', 422, 'validation_failed', ['/data']],
      ['PUT', '{"data":"{"}', 422, 'validation_failed', ['/data']],
      ['PUT', '{}', 422, 'validation_failed', ['/data']],
      ['PUT', '{"data":{},"more":1}', 422, 'validation_failed', ['/more']],
      ['PUT', '{"data":{"a":1,"a":2}}', 422, 'invalid_json_document', ['/data/a']],
      ['PUT', '{"data":{"__proto__":1}}', 422, 'invalid_json_document', ['/data/__proto__']],
      ['PUT', '{"data":{"a":"\\u0000"}}', 422, 'invalid_json_document', ['/data/a']],
      ['PUT', '{"data":{},"data":{}}', 400, 'malformed_json', []],
      ['PUT', '', 400, 'malformed_json', []],
      ['PATCH', '[1]', 422, 'validation_failed', ['']],
      ['PATCH', '"a"', 422, 'validation_failed', ['']],
      ['PATCH', 'null', 422, 'validation_failed', ['']],
      ['PATCH', '{"a":{"b":1,"b":2}}', 422, 'invalid_json_document', ['/a/b']],
      ['PATCH', '{"a":{"__proto__":1}}', 422, 'invalid_json_document', ['/a/__proto__']],
      ['PATCH', '{"a":"\\ud800"}', 422, 'invalid_json_document', ['/a']],
      ['PATCH', '{"a":1,"a":2}', 400, 'malformed_json', []],
      ['PATCH', '{"__proto__":1}', 400, 'malformed_json', []],
      ['PATCH', '\ufeff{}', 400, 'malformed_json', []],
      ['PATCH', '{"a":}', 400, 'malformed_json', []],
      ['PATCH', '', 400, 'malformed_json', []],
    ])('%s %s is %i', async (method, body, status, code, places) => {
      const member = await join(service)
      const answer = await send(member, method, body, { headers: { 'Content-Type': 'application/json' } })
      expectRefusal(answer, status, code)
      expect(placesOf(answer.json)).toEqual(places)
    })

    test('may be a merge patch by its type for PATCH alone', async () => {
      const member = await join(service)
      const type = (text: string) => ({ headers: { 'Content-Type': text } })
      expect((await patch(member, '{"a":1}', type('application/merge-patch+json'))).status).toBe(200)
      expect((await patch(member, '{"a":1}', type('application/Merge-Patch+JSON; charset="utf-8"'))).status).toBe(200)
      expect((await patch(member, '{"a":1}', type('application/json'))).status).toBe(200)
      for (const other of [
        'text/plain',
        'application/json-patch+json',
        'application/merge-patch+json; charset=latin1',
      ]) {
        expectRefusal(await patch(member, '{"a":1}', type(other)), 415, 'unsupported_media_type')
      }
      expectRefusal(await put(member, '{}', type('application/merge-patch+json')), 415, 'unsupported_media_type')
      const body = { name: 'n', definition: {} }
      const made = await call(service, 'POST', '/v1/workflows', {
        token: member.accessToken,
        body,
        ...type('application/merge-patch+json'),
      })
      expectRefusal(made, 415, 'unsupported_media_type')
    })
  })
})

describeDialectsByTest((dialect) => {
  test('without SETTINGS_KEYS settings work, and a secret is 500 with the variable in the log', async () => {
    const service = await startService(dialect, { vars: { SETTINGS_KEYS: '' } })
    try {
      const { accessToken: token } = await join(service)
      const plain = await call(service, 'PUT', path, { token, body: '{"data":{"a":1}}' })
      expect(plain.status).toBe(200)
      const secret = await call(service, 'PATCH', path, { token, body: '{"b":{"$secret":"nobody keeps it"}}' })
      expectRefusal(secret, 500, 'internal')
      const lines = service.logs().filter((line) => line.includes(String(asRecord(secret.json)['requestId'])))
      expect(lines.join('\n')).toContain('SETTINGS_KEYS is not set')
      expect(service.logs().join('\n')).not.toContain('nobody keeps it')
      expect((await call(service, 'GET', path, { token })).text).toContain('{"a":1}')
    } finally {
      await service.stop()
    }
  })
})
