import * as z from 'zod'
import { findAsset } from '../../assets.ts'
import { definePublicRoute } from '../../route.ts'

export const getOpenApi = definePublicRoute({
  method: 'GET',
  path: '/openapi.json',
  summary: 'This document.',
  access: { kind: 'open' },
  scope: undefined,
  answers: { 200: z.record(z.string(), z.unknown()) },
  answerHeaders: ['ETag'],
  act: ({ readAsset }) => findAsset(readAsset, '/openapi.json'),
  answer: (file) => file,
})
