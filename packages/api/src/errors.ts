export type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 409 | 412 | 413 | 415 | 422 | 428 | 429 | 500 | 503

/** What of a request is wrong, and where: `pointer` is RFC 6901 from the body, `parameter` a query parameter or header. */
export type FieldError =
  | { readonly pointer: string; readonly message: string }
  | { readonly parameter: string; readonly message: string }

interface ErrorKind {
  readonly status: ErrorStatus
  readonly title: string
  readonly detail: string
}

const kinds = {
  malformed_json: { status: 400, title: 'Malformed JSON', detail: 'The request body is not JSON.' },
  unauthenticated: {
    status: 401,
    title: 'Not logged in',
    detail: 'This needs a valid access token: send `Authorization: Bearer <token>`; log in for a new one.',
  },
  invalid_credentials: {
    status: 401,
    title: 'Invalid credentials',
    detail: 'The username or the password is wrong.',
  },
  token_expired: {
    status: 401,
    title: 'Token expired',
    detail: 'The access token no longer counts: refresh it or log in again.',
  },
  token_reused: {
    status: 401,
    title: 'Refresh token used twice',
    detail: 'This refresh token was used before, so its session has ended: log in again.',
  },
  forbidden: { status: 403, title: 'Forbidden', detail: 'You may see this, but not do that with it.' },
  scope_missing: { status: 403, title: 'Scope missing', detail: 'The API key lacks the scope that this needs.' },
  registration_closed: {
    status: 403,
    title: 'Registration closed',
    detail: 'New accounts are made by an administrator here.',
  },
  account_disabled: { status: 403, title: 'Account disabled', detail: 'An administrator has disabled this account.' },
  not_found: { status: 404, title: 'Not found', detail: 'It does not exist, or you may not see it.' },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    detail: 'This path does not take that method; the header Allow lists those that it takes.',
  },
  username_taken: {
    status: 409,
    title: 'Username taken',
    detail: 'Another account has this username: choose another.',
  },
  email_taken: {
    status: 409,
    title: 'Email taken',
    detail: 'Another account has this email: log in, or use another email.',
  },
  execution_active: {
    status: 409,
    title: 'Execution active',
    detail: 'An execution is still pending, running or paused: wait for it or cancel it first.',
  },
  invalid_transition: {
    status: 409,
    title: 'Invalid transition',
    detail: 'The execution is not in a state from which that step is allowed.',
  },
  fence_stale: {
    status: 409,
    title: 'Fence stale',
    detail: 'The execution was claimed or cancelled since: this worker may write no more.',
  },
  step_recorded: {
    status: 409,
    title: 'Step recorded',
    detail: 'A step of this key is recorded with another output or error; nothing of the request was recorded.',
  },
  idempotency_in_progress: {
    status: 409,
    title: 'Request in progress',
    detail: 'A request with the same Idempotency-Key is being done: ask again shortly.',
  },
  account_in_use: {
    status: 409,
    title: 'Account in use',
    detail: 'The account still owns workflows: delete or transfer them first.',
  },
  precondition_failed: {
    status: 412,
    title: 'Precondition failed',
    detail: 'If-Match names no current revision: read again what you mean to change, and send its ETag.',
  },
  payload_too_large: { status: 413, title: 'Payload too large', detail: 'The request body is larger than allowed.' },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    detail: 'The request body must be sent as `Content-Type: application/json`, in UTF-8 and not compressed.',
  },
  validation_failed: {
    status: 422,
    title: 'Validation failed',
    detail: 'The request is invalid; see `errors`.',
  },
  invalid_json_document: {
    status: 422,
    title: 'Invalid JSON document',
    detail: 'A document holds what not every database and reader can keep; `errors` says what and where.',
  },
  invalid_cursor: {
    status: 422,
    title: 'Invalid cursor',
    detail: 'The cursor belongs to another list, other filters or another caller: start again without a cursor.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'Idempotency-Key reused',
    detail: 'This Idempotency-Key was sent with another request within 24 hours: use a new key.',
  },
  precondition_required: {
    status: 428,
    title: 'Precondition required',
    detail: 'Send If-Match with the ETag of the revision that you mean to change, or `*` to force.',
  },
  rate_limited: { status: 429, title: 'Too many requests', detail: 'Too many of these lately: wait and ask again.' },
  internal: {
    status: 500,
    title: 'Internal error',
    detail: 'Something went wrong here. The log line with this requestId has the cause.',
  },
  database_unreachable: {
    status: 503,
    title: 'Database unreachable',
    detail: 'The database cannot be reached at the moment.',
  },
  database_auth_failed: {
    status: 503,
    title: 'Database refuses the log-in',
    detail: 'The database does not accept the log-in of this service, or does not allow it what it needs.',
  },
  database_missing: { status: 503, title: 'Database missing', detail: 'The database of this service does not exist.' },
  database_schema_outdated: {
    status: 503,
    title: 'Database schema outdated',
    detail: 'The database lacks migrations that this version of the service needs.',
  },
  database_busy: {
    status: 503,
    title: 'Database busy',
    detail: 'The database cannot take this at the moment: ask again shortly.',
  },
  database_timeout: {
    status: 503,
    title: 'Database timeout',
    detail: 'The database did not answer in time: ask again shortly.',
  },
  restore_in_progress: {
    status: 503,
    title: 'Restore in progress',
    detail: 'The database is being restored: ask again later.',
  },
} satisfies Readonly<Record<string, ErrorKind>>

/** The closed list of what a caller can be told; each code has one status. */
export type ErrorCode = keyof typeof kinds

/** Every code there is, in the order of the statuses. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the record has each of the union's members
export const errorCodes = Object.keys(kinds) as readonly ErrorCode[]

/** Status, title and the sentence that says what happened, for every code there is. */
export function errorKind(code: ErrorCode): ErrorKind {
  return kinds[code]
}

/** What a database at fault is answered with; any route that asks it may. */
export const databaseCodes: readonly ErrorCode[] = errorCodes.filter((code) => errorKind(code).status === 503)
