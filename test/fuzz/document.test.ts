import { expect, test } from 'vitest'
import type { Answer } from '../contract/answers.ts'
import { readDocument } from './document.ts'

const api = readDocument({
  openapi: '3.1.1',
  paths: {
    '/things/{id}': {
      get: {
        security: [{ accessToken: [] }, { apiKey: ['read'] }],
        parameters: [{ in: 'path', name: 'id', required: true, schema: { type: 'string' } }],
        responses: {
          200: {
            headers: { ETag: { $ref: '#/components/headers/ETag' } },
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
          },
          204: { headers: {} },
        },
      },
    },
  },
  components: {
    headers: { ETag: { required: true, schema: { type: 'string' } } },
    schemas: {
      Thing: { type: 'object', required: ['at'], properties: { at: { type: 'string', format: 'date-time' } } },
    },
  },
})
const name = 'GET /things/{id}'
const good = {
  status: 200,
  headers: { 'Content-Type': 'application/json', ETag: '"1"' },
  text: '{"at":"2026-01-31T09:30:00.000Z"}',
}

function faultsOf(change: { status?: number; headers?: Record<string, string>; text?: string }): readonly string[] {
  const { status, text, ...rest } = { ...good, ...change }
  const headers = new Headers(rest.headers)
  const isJson = headers.get('Content-Type') === 'application/json'
  const answer: Answer = { status, headers, text, json: isJson ? JSON.parse(text) : undefined }
  return api.faultsOf(name, answer)
}

test('an operation is read with what it takes', () => {
  expect(api.operations).toEqual([
    {
      name,
      method: 'GET',
      path: '/things/{id}',
      parameters: [{ place: 'path', name: 'id', isRequired: true, schema: { type: 'string' } }],
      body: undefined,
      keyScopes: ['read'],
      security: 'user',
    },
  ])
})

test('an answer as the document has it is without fault', () => {
  expect(faultsOf({})).toEqual([])
  expect(faultsOf({ status: 204, headers: {}, text: '' })).toEqual([])
})

test('a 5xx, another status, type, body or header is a fault', () => {
  expect(faultsOf({ status: 503 })).toEqual(['it is 503'])
  expect(faultsOf({ status: 201 })).toEqual(['the document has no 201'])
  expect(faultsOf({ text: '{"at":"yesterday"}' })).toEqual(['/at must match format "date-time"'])
  expect(faultsOf({ text: '{}' })).toEqual([" must have required property 'at'"])
  expect(faultsOf({ headers: { 'Content-Type': 'application/json' } })).toEqual(['the document promises ETag'])
  expect(faultsOf({ headers: { ...good.headers, Location: '/x' } })).toEqual(['the document does not say Location'])
  expect(faultsOf({ headers: { ETag: '"1"', 'Content-Type': 'text/plain' } })).toEqual([
    'the document has no content of type text/plain',
  ])
  expect(faultsOf({ status: 204, headers: {}, text: 'x' })).toEqual(['the document has no body'])
})
