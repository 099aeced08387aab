import { expect, test } from 'vitest'
import { pathParameters } from './path.ts'

const pattern = '/v1/workflows/{id}/versions/{n}'

test('parameters are percent-decoded, once', () => {
  expect(pathParameters(pattern, '/v1/workflows/a%2Fb%2520/versions/3')).toEqual({ id: 'a/b%20', n: '3' })
})

test.each(['%', '%E0%A4', '%zz', '%ED%A0%80'])('%s names nothing', (segment) => {
  expect(pathParameters(pattern, `/v1/workflows/${segment}/versions/3`)).toBeUndefined()
})
