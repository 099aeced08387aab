/** What a reader needs before the first call, as CommonMark. */
export const introduction = `
Millrace stores the users, workflows, versions, shares, executions and settings of a workflow engine.

## Log in

\`POST /v1/auth/register\` makes an account and \`POST /v1/auth/login\` logs in. Both answer with an \`accessToken\`, which goes
with every request as \`Authorization: Bearer …\` and lasts 15 minutes, and a \`refreshToken\`, which \`POST /v1/auth/refresh\`
exchanges once for a new pair. Programs use an API key (\`mr_…\`) in the same header.

## Change without overwriting

Workflows, settings and schedules carry an \`ETag\`. Send it back as \`If-Match\` when you change one: if somebody else was
faster, you get 412 \`precondition_failed\` and nothing is overwritten. \`If-Match: *\` forces a change. \`If-None-Match\` on a
read answers 304 when nothing has changed.

## Repeat safely

Routes that take an \`Idempotency-Key\` do a request once for each key: the same request under the same key within 24 hours
gets the first answer again, with \`Idempotency-Replayed: true\`. Use one whenever an answer may get lost.

## Read pages

Lists answer \`{ items, nextCursor }\`. Pass \`nextCursor\` as \`cursor\` for the next page until it is null. \`limit\` is 1 to 100.

## Documents

\`definition\`, \`input\`, \`state\`, \`output\` and \`payload\` are JSON documents. They come back as the exact text that you sent:
key order, white space and the spelling of numbers included.

## Errors

Every refusal is \`application/problem+json\` with a \`code\` from a closed list. \`errors\` says which parts of the request are
invalid. \`requestId\` names the line in the service's log.
`.trim()
