import { jsonResponse } from '../../response.ts'
import { answeredWith } from '../../request/idempotency.ts'
import { defineRoute, jsonBody } from '../../route.ts'
import { createApiKey, type ApiKey } from '../../services/api-keys.ts'
import { apiKeyJson, madeApiKeySchema, newApiKey } from './contract.ts'

export const postApiKey = defineRoute({
  method: 'POST',
  path: '/v1/api-keys',
  summary: 'Create an API key. It is shown only in this answer.',
  access: { kind: 'user' },
  scope: 'write',
  body: jsonBody(newApiKey),
  isIdempotent: true,
  answers: { 201: madeApiKeySchema },
  refusals: ['forbidden'],
  act(context, { body, idempotencyKey }) {
    const key = answeredWith(idempotencyKey, (apiKey: ApiKey) =>
      jsonResponse(201, { ...apiKeyJson(apiKey), key: null }),
    )
    return createApiKey(context, { ...body, expiresAt: body.expiresAt ?? null }, key)
  },
  answer: (made) => jsonResponse(201, { ...apiKeyJson(made), key: made.text }),
})
