import * as z from 'zod'
import { findAsset } from '../../assets.ts'
import { done } from '../../result.ts'
import { definePublicRoute } from '../../route.ts'

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Millrace API</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/docs/start.css">
</head>
<body>
<form id="login">
<label>Username <input name="username" autocomplete="username" required></label>
<label>Email (to register) <input name="email" type="email" autocomplete="email"></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button name="act" value="login">Log in</button>
<button name="act" value="register">Register</button>
<output role="status"></output>
</form>
<div id="reader"></div>
<noscript>This page needs scripts; <a href="/openapi.json">the document</a> itself does not.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script type="module" src="/docs/start.js"></script>
</body>
</html>
`

export const getDocs = definePublicRoute({
  method: 'GET',
  path: '/docs',
  summary: 'A page to read this document and to try it.',
  access: { kind: 'open' },
  scope: undefined,
  answers: { 200: z.string() },
  answerType: 'text/html',
  answerHeaders: ['Content-Security-Policy'],
  act: () => done(page),
  answer: (body) => ({
    ok: true,
    status: 200,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': policy,
      'Referrer-Policy': 'no-referrer',
    },
    body,
  }),
})

const fileName = z.string().regex(/^[a-z0-9][a-z0-9.-]*$/)

export const getDocsFile = definePublicRoute({
  method: 'GET',
  path: '/docs/{file}',
  summary: 'A file of that page.',
  access: { kind: 'open' },
  scope: undefined,
  pathParameters: z.object({ file: fileName }),
  answers: { 200: z.string() },
  answerType: '*/*',
  answerHeaders: ['ETag'],
  refusals: ['not_found'],
  act: ({ readAsset }, { path }) => findAsset(readAsset, `/docs/${path.file}`),
  answer: (file) => file,
})
