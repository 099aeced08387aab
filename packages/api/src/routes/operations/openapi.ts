import * as z from 'zod'
import { assetAnswer } from '../../assets.ts'
import { definePublicRoute, noBody, noParameters } from '../../route.ts'

export const getOpenApi = definePublicRoute({
  method: 'GET',
  path: '/openapi.json',
  summary: 'This document.',
  access: { kind: 'open' },
  scope: undefined,
  pathParameters: noParameters,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: z.record(z.string(), z.unknown()) },
  answerHeaders: ['ETag'],
  refusals: [],
  act: ({ readAsset }) => assetAnswer(readAsset, '/openapi.json'),
})
