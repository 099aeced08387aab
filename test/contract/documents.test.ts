import { expect, test } from 'vitest'
import { describeDialectsByTest } from '../dialects.ts'
import { asRecord, placesOf, readAnswer } from './answers.ts'
import { useWorld } from './scenarios.ts'
import type { World } from './world.ts'

function nested(levels: number): string {
  return `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`
}

function mixed(levels: number): string {
  return levels === 1 ? '{}' : `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
}

const head = '{"name":"n","definition":'

/** Texts that come back byte for byte, from every database. */
const kept: readonly (readonly [string, string])[] = [
  ['an empty object', '{}'],
  ['white space everywhere', '{ \t\r\n"a" : [ 1 , 2 ]\n}'],
  ['keys in the order that was sent', '{"b":1,"a":2,"10":3,"2":4,"":5}'],
  ['spellings of numbers', '{"a":[1.0,1e400,-0,0.10,1E+2,12345678901234567890,123456789012345678901234567890,1e-400]}'],
  [
    'every escape, as it was spelled',
    '{"a":"\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0041 \\u00e9 \\ud83d\\ude00 \\u2028"}',
  ],
  ['what needs no escape', '{"a":"é \u2028\u2029 \u{1f600} \u007f \ufeff \u0085"}'],
  ['keys that differ only in case, form or a blank', '{"a":1,"A":2,"é":3,"e\u0301":4,"a ":5,"ß":6,"ss":7}'],
  ['keys that are words of JavaScript', '{"constructor":1,"toString":2,"prototype":{"proto":3},"hasOwnProperty":4}'],
  ['keys that hold what SQL and JSON paths use', `{"'":1,"\\\\":2,"$":3,"?":4,"%s":5,"--":6,"\\"":7,"a/b~c":8}`],
  ['what looks like a parameter', '{"a":"? :a $1 @b ; drop table users --"}'],
  ['64 levels of objects', nested(64)],
  ['64 levels of arrays', mixed(64)],
  ['32 levels, from which MariaDB’s json_valid can’t tell', nested(32)],
  ['a string of brackets', `{"a":"${'[{'.repeat(200)}"}`],
  ['literals', '{"a":[true,false,null,"",[],{}]}'],
  ['an emoji of several code points', '{"👩‍👩‍👧‍👦":"🏴‍☠️"}'],
  ['text beyond the BMP under NFC', '{"𝒳":"Å Å Å"}'],
  ['70,000 bytes, which a MySQL TEXT would cut', `{"a":"${'x'.repeat(70_000)}"}`],
  ['a body of 1 MiB to the byte', `{"a":"${'é'.repeat((1_048_576 - head.length - '{"a":""}}'.length - 1) / 2)}x"}`],
]

/** Documents that are refused, and where. */
const refused: readonly (readonly [string, string, string])[] = [
  ['U+0000 in a string', '{"a":["x\\u0000"]}', '/definition/a/0'],
  ['U+0000 in a key', '{"a\\u0000":1}', '/definition/a\0'],
  ['a lone high surrogate', '{"a":"\\ud83d"}', '/definition/a'],
  ['a lone low surrogate', '{"a":"\\ude00\\ud83d"}', '/definition/a'],
  ['65 levels', nested(65), `/definition${'/a'.repeat(64)}`],
  ['65 levels of arrays', mixed(65), `/definition/a${'/0'.repeat(63)}`],
  ['a duplicate key', '{"a":{"b":1,"b":1}}', '/definition/a/b'],
  ['a duplicate key under another spelling', '{"b":1,"\\u0062":2}', '/definition/b'],
  ['the key __proto__', '{"a":{"__proto__":{}}}', '/definition/a/__proto__'],
  ['the key __proto__ under another spelling', '{"\\u005f_proto__":1}', '/definition/__proto__'],
  ['a member $secret', '{"nodes":[{"key":{"$secret":"sk-123"}}]}', '/definition/nodes/0/key/$secret'],
  ['a pointer is escaped', '{"a/b":{"c~d":"\\u0000"}}', '/definition/a~1b/c~0d'],
]

/** Bodies that are not JSON at all. */
const malformed: readonly (readonly [string, string])[] = [
  ['a trailing comma', '{"a":1,}'],
  ['a single quote', "{'a':1}"],
  ['a comment', '{/* a */}'],
  ['NaN', '{"a":NaN}'],
  ['a leading zero', '{"a":01}'],
  ['a leading plus', '{"a":+1}'],
  ['a bare dot', '{"a":1.}'],
  ['a raw line break in a string', '{"a":"\n"}'],
  ['an unknown escape', '{"a":"\\x41"}'],
  ['a short \\u', '{"a":"\\u12"}'],
  ['no end', '{"a":'],
  ['an unmatched bracket', '{"a":[}'],
]

describeDialectsByTest((dialect) => {
  const suite = useWorld(dialect)

  test.each(kept)('%s comes back byte for byte', async (_, definition) => {
    const { world } = suite
    const created = await given(await post(world, definition), definition)
    const path = `/v1/workflows/${created.id}`
    const read = await given(await world.send('owner', 'GET', path), definition)
    const version = await given(await world.send('owner', 'GET', `${path}/versions/1`), definition)
    expect([created.isExact, read.isExact, version.isExact]).toEqual([true, true, true])
  })

  test('so it does when it replaces another, each version with its own text', async () => {
    const { world } = suite
    const { id } = await world.workflow()
    const fitting = kept.filter(([, definition]) => definition.length < 1_000_000)
    for (const [position, [, definition]] of fitting.entries()) {
      const init = { body: `{"definition":${definition}}`, headers: { 'If-Match': '*' } }
      const answer = await world.send('owner', 'PATCH', `/v1/workflows/${id}`, init)
      expect((await given(answer, definition)).isExact).toBe(true)
      // The first one's text was there already, so it made no version.
      const version = `/v1/workflows/${id}/versions/${position + 1}`
      expect((await given(await world.send('owner', 'GET', version), definition)).isExact).toBe(true)
    }
  })

  test.each(refused)('%s is refused with its pointer', async (_, definition, pointer) => {
    const answer = await readAnswer(await post(suite.world, definition))
    expect([answer.status, asRecord(answer.json)['code']]).toEqual([422, 'invalid_json_document'])
    expect(placesOf(answer.json)).toEqual([pointer])
    expect(answer.text).not.toContain('sk-123')
  })

  test.each(refused)('%s is refused in a change too, and changes nothing', async (_, definition) => {
    const { world } = suite
    const { id, text } = await world.workflow()
    const init = { body: `{"definition":${definition}}`, headers: { 'If-Match': '*' } }
    const answer = await world.send('owner', 'PATCH', `/v1/workflows/${id}`, init)
    expect(answer.status).toBe(422)
    expect((await readAnswer(await world.send('owner', 'GET', `/v1/workflows/${id}`))).text).toBe(text)
  })

  test.each(malformed)('%s is 400', async (_, definition) => {
    const answer = await readAnswer(await post(suite.world, definition))
    expect([answer.status, asRecord(answer.json)['code']]).toEqual([400, 'malformed_json'])
  })

  test('several faults are told at once', async () => {
    const answer = await readAnswer(await post(suite.world, '{"a":"\\u0000","b":{"__proto__":1},"c":"\\ud800"}'))
    expect(placesOf(answer.json).toSorted()).toEqual(['/definition/a', '/definition/b/__proto__', '/definition/c'])
  })

  test('$secret as a mere text, and as part of a key, is fine', async () => {
    const definition = '{"a":"$secret","$secrets":1,"x$secret":2}'
    expect((await given(await post(suite.world, definition), definition)).isExact).toBe(true)
  })
})

function post(world: World, definition: string): Promise<Response> {
  return world.send('owner', 'POST', '/v1/workflows', { body: `${head}${definition}}` })
}

interface Given {
  readonly id: string
  /** Whether the definition stands in the answer as it is, not parsed and written again. */
  readonly isExact: boolean
}

async function given(response: Response, definition: string): Promise<Given> {
  const { status, text, json } = await readAnswer(response)
  if (status >= 300) throw new Error(`answered ${status}: ${text.slice(0, 500)}`)
  return { id: String(asRecord(json)['id']), isExact: text.includes(`"definition":${definition}`) }
}
