import { databaseError, type DatabaseError } from '@millrace/db/sql/errors'
import type { RawResult } from '@millrace/db/sql/statement'
import { connectionFailure } from '../connection-failure.ts'
import type { D1Client, D1Statement } from './client.ts'
import { D1RefusalError } from './errors.ts'

/** Of Cloudflare's API: an account, a token that may edit D1, and the database's id. */
export interface D1Account {
  readonly accountId: string
  readonly apiToken: string
  readonly databaseId: string
  /** `https://api.cloudflare.com/client/v4` when absent. */
  readonly apiUrl?: string | undefined
}

/**
 * Beyond 1,200 requests in five minutes Cloudflare answers none for the rest of them, and a large backup is more: it goes
 * on then. https://developers.cloudflare.com/fundamentals/api/reference/limits/
 */
const longestWaitSeconds = 300

/**
 * A deployed D1 database by Cloudflare's HTTP API, for commands: a batch is one transaction there too.
 * https://developers.cloudflare.com/api/resources/d1/subresources/database/methods/raw/
 */
export function httpClient(account: D1Account): D1Client {
  const { accountId, apiToken, databaseId, apiUrl = 'https://api.cloudflare.com/client/v4' } = account
  const url = `${apiUrl}/accounts/${encodeURIComponent(accountId)}/d1/database/${databaseId}/raw`
  return {
    async send(statements, timeoutSeconds) {
      const request: RequestInit = {
        method: 'POST',
        headers: { Authorization: `Bearer ${apiToken}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ batch: statements.map(queryOf) }),
      }
      for (let waitedSeconds = 0; ;) {
        const { status, text, retryAfterSeconds } = await ask(url, request, timeoutSeconds)
        waitedSeconds += retryAfterSeconds
        const isWorthWaiting = status === 429 && retryAfterSeconds > 0 && waitedSeconds <= longestWaitSeconds
        if (!isWorthWaiting) return readResponse(status, text, statements.length)
        await new Promise((resolve) => setTimeout(resolve, retryAfterSeconds * 1000))
      }
    },
  }
}

interface ApiResponse {
  readonly status: number
  readonly text: string
  /** 0 where nothing is said of it. */
  readonly retryAfterSeconds: number
}

async function ask(url: string, request: RequestInit, timeoutSeconds: number): Promise<ApiResponse> {
  try {
    const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(timeoutSeconds * 1000) })
    const retryAfterSeconds = Number(answer.headers.get('Retry-After') ?? 0)
    return { status: answer.status, text: await answer.text(), retryAfterSeconds }
  } catch (thrown) {
    throw connectionFailure(thrown)
  }
}

function queryOf({ sql, params }: D1Statement) {
  return { sql, params }
}

function readResponse(status: number, text: string, count: number): readonly RawResult[] {
  const answer = parse(text)
  const refused = status === 401 || status === 403 || status === 404 || status === 429
  if (!isRecord(answer) || answer['success'] !== true || refused) throw failureOf(status, answer)
  const results: readonly unknown[] = Array.isArray(answer['result']) ? answer['result'] : []
  if (results.length !== count) throw new Error(`Cloudflare's API gave ${results.length} results for ${count}`)
  return results.map(readResult)
}

function readResult(result: unknown): RawResult {
  const { results, meta } = recordOf(result)
  const rows = recordOf(results)['rows']
  const changes = recordOf(meta)['changes']
  return {
    rows: Array.isArray(rows) ? rows.filter(isRow) : [],
    affected: typeof changes === 'number' ? changes : 0,
  }
}

/** What the API's errors mean where it is not D1 that answers; the words of D1's own are read by `readD1Error`. */
function failureOf(status: number, answer: unknown): DatabaseError | Error {
  const message = messageIn(answer)
  if (status === 401 || status === 403) {
    return databaseError('token_refused', refusedWords(message), { isNotApplied: true })
  }
  if (status === 404) {
    return databaseError('database_missing', `Cloudflare has no such D1 database: ${message}`, { isNotApplied: true })
  }
  if (status === 429) return databaseError('database_busy', `Cloudflare: ${message}`, { isNotApplied: true })
  return status >= 400 && status < 500 ? new D1RefusalError(message) : new Error(message)
}

function refusedWords(message: string): string {
  return `Cloudflare refused CLOUDFLARE_API_TOKEN for this account and D1: ${message}`
}

function messageIn(answer: unknown): string {
  const errors = recordOf(answer)['errors']
  const { message } = recordOf(Array.isArray(errors) ? errors.at(0) : undefined)
  return typeof message === 'string' ? message : 'no answer that can be read'
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A proxy's page, say.
    return undefined
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {}
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isRow(row: unknown): row is readonly unknown[] {
  return Array.isArray(row)
}
