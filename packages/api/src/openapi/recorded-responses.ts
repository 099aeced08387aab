import recorded from './recorded-responses.json' with { type: 'json' }

/**
 * What the examples of requests were answered, by method and path: the JSON of successes. Written by
 * `RECORD_EXAMPLES=1 npx -y pnpm@12 test test/contract/openapi.test.ts -t sqlite`.
 */
export const recordedResponses: Readonly<Record<string, unknown>> = recorded
