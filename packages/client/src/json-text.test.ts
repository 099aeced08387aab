import { expect, test } from 'vitest'
import { exactJson, itemTexts, parseJson, readExact, toJson, writeExact } from './json-text.ts'

const documents = new Set(['definition'])

test.each([
  '{ "b":1.0, "a":1e400 }',
  '{"text":"}\\"]{","n":[[],{"x":"\\\\"}]}',
  '12345678901234567890',
  '"a \\u00e9 \\" b"',
  '[]',
  'null',
  '-0.0E-7',
])('the document %s is read and written to the letter', (document) => {
  const body = `{ "id" : "w" ,"definition":${document}\n, "revision":3}`
  const read = readExact(body, documents)
  expect(read).toEqual({ id: 'w', definition: document, revision: 3 })
  expect(writeExact(read, documents)).toBe(`{"id":"w","definition":${document},"revision":3}`)
})

test('a member of a document that has a document’s name is left alone', () => {
  const body = '{"other":{"definition":{ "x": 1.0 }},"definition":{}}'
  expect(readExact(body, documents)).toEqual({ other: { definition: { x: 1 } }, definition: '{}' })
})

test('escaped names are the names that they spell', () => {
  expect(readExact('{"d\\u0065finition":1.50}', documents)).toEqual({ definition: '1.50' })
})

test.each([
  ['[]', []],
  ['[ ]', []],
  ['[1.0, {"a":[ "]" ]} ,"x,y"]', ['1.0', '{"a":[ "]" ]}', '"x,y"']],
])('the items of %s keep their text', (list, items) => {
  expect(itemTexts(list)).toEqual(items)
})

test('what is no JSON is refused, not sent', () => {
  expect(() => exactJson('{nodes: []}')).toThrow(SyntaxError)
  expect(() => readExact('<html>', documents)).toThrow(SyntaxError)
  expect(() => toJson(undefined)).toThrow('JSON has nothing for a value of type undefined')
  expect(parseJson(exactJson(' [1] '))).toEqual([1])
})

test('an absent member stays out', () => {
  expect(writeExact({ a: undefined, b: null, definition: undefined }, documents)).toBe('{"b":null}')
})
