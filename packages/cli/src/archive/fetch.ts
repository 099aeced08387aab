import { createHash } from 'node:crypto'
import type { ErrorCode } from '@millrace/api/errors'
import { digestField } from '@millrace/api/digest-field'
import { isLoopback } from '@millrace/db/url/address'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { membersIn } from '../json.ts'
import { printable } from '../printable.ts'
import { startProgress } from '../progress.ts'
import { openOutput, type ArchiveOutput } from './output-file.ts'

export interface FetchOptions {
  readonly out: string
  readonly url: string
  readonly force?: boolean
}

/** `millrace backup fetch NAME --out FILE --url URL` */
export async function fetchBackup(context: Context, name: string, options: FetchOptions): Promise<number> {
  const url = backupUrl(options.url, name)
  const key = readKey(context)
  const output = openOutput(context, options.out, { mayReplace: options.force === true })
  try {
    const answer = await ask(context, url, key)
    const fetched = await receive(context, answer, output)
    context.lifetime.interruption.throwIfAborted()
    output.seal(undefined)
    output.finish()
    tell(context, output, { name: nameOf(answer) ?? name, ...fetched })
    return 0
  } finally {
    // Of a file that has its name nothing is left to discard.
    output.discard()
  }
}

/** Checked here: the runtime's own refusal of a header quotes it, key and all. */
function readKey(context: Context): string {
  const key = (context.environment()['MILLRACE_API_KEY'] ?? '').trim()
  if (key === '') throw keyMissing()
  if (/^[!-~]+$/.test(key)) return key
  throw new Failure('settings_invalid', {
    what: 'MILLRACE_API_KEY is no API key.',
    why: 'It holds a blank, a line break or a character beyond ASCII, which no key does.',
    fix: 'Set it to the `mr_…` that POST /v1/api-keys answered, whole and alone.',
  })
}

function backupUrl(deployment: string, name: string): URL {
  const url = URL.canParse(deployment) ? new URL(deployment) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol)) {
    if (url.protocol === 'https:' || isLoopback(url.hostname)) {
      return new URL(`/v1/admin/backups/${encodeURIComponent(name)}`, url)
    }
  }
  throw new Failure('url_invalid', {
    what: '--url is no address of a deployment.',
    why: 'It has to begin with https:// (http:// on this machine alone: the key is sent to it).',
    fix: 'Give what `millrace deploy` printed, such as https://millrace.example.workers.dev.',
  })
}

async function ask({ lifetime }: Context, url: URL, key: string): Promise<Response> {
  let answer: Response
  try {
    const headers = { Authorization: `Bearer ${key}` }
    // A redirection would take the key elsewhere.
    answer = await fetch(url, { headers, redirect: 'error', signal: lifetime.interruption })
  } catch (error) {
    lifetime.interruption.throwIfAborted()
    throw unreachable(url, error)
  }
  if (answer.ok) return answer
  throw refusal(url, answer.status, await codeOf(answer))
}

async function codeOf(answer: Response): Promise<string | undefined> {
  // Whatever keeps the body from being read, the status has said enough.
  const code = membersIn(await answer.text().catch(() => ''))?.['code']
  return typeof code === 'string' ? code : undefined
}

function refusal(url: URL, status: number, code: string | undefined): Failure {
  const what = `${url.host} did not give the backup.`
  const why = `It answered ${status}${code === undefined ? '' : ` ${printable(code)}`}.`
  const known: Readonly<Record<number, readonly [ErrorCode, string]>> = {
    401: ['unauthenticated', 'Check MILLRACE_API_KEY: the key is unknown, expired or of another deployment.'],
    403: [
      code === 'account_disabled' ? 'account_disabled' : code === 'scope_missing' ? 'scope_missing' : 'forbidden',
      "Use an administrator's API key with the scope `admin`.",
    ],
    404: ['not_found', 'List the backups (GET /v1/admin/backups), or give `latest`; see docs/backups.md.'],
    503: ['database_unreachable', 'Look at /readyz; the bucket can be read without the service, see docs/backups.md.'],
  }
  const [failureCode, fix] = known[status] ?? ['internal', 'Look at the log of the deployment.']
  return new Failure(failureCode, { what, why, fix })
}

interface Fetched {
  readonly bytes: number
  readonly sha256: string
}

async function receive({ lifetime }: Context, answer: Response, output: ArchiveOutput): Promise<Fetched> {
  const { body, headers } = answer
  if (body === null) throw damaged('The answer has no body.')
  const total = Number(headers.get('Content-Length') ?? 0)
  const progress = total > 0 ? startProgress(total, 'bytes') : undefined
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      hash.update(chunk)
      bytes += chunk.byteLength
      progress?.advance(chunk.byteLength, 0)
      await output.write(chunk)
    }
  } catch (error) {
    lifetime.interruption.throwIfAborted()
    if (error instanceof Failure) throw error
    throw damaged(
      `The connection broke after ${bytes} bytes: ${error instanceof Error ? error.message : String(error)}`,
    )
  } finally {
    progress?.end()
  }
  const sha256 = hash.digest('hex')
  const told = headers.get('Repr-Digest')
  if (total > 0 && bytes !== total) throw damaged(`${bytes} bytes came of ${total}.`)
  // The page of whoever stands before the functions is no backup, nor is one that was never read back.
  if (told === null) throw damaged('The answer names no SHA-256 (Repr-Digest) to compare with.')
  if (told !== digestField(sha256)) throw damaged('Its SHA-256 is not the one that was recorded.')
  return { bytes, sha256 }
}

/** The name that `latest` stands for. */
function nameOf({ headers }: Response): string | undefined {
  return /filename="([^"]+)\.millrace"/.exec(headers.get('Content-Disposition') ?? '')?.[1]
}

function tell({ output }: Context, file: ArchiveOutput, { name, bytes, sha256 }: Fetched & { name: string }): void {
  const document = { file: file.path ?? '-', name, bytes, sha256 }
  const words = `Fetched ${printable(name)} into ${file.shown}: ${bytes.toLocaleString('en-US')} bytes.\nsha256 ${sha256}`
  // Standard output is the archive itself.
  if (file.path === undefined) output.note(output.isJson ? JSON.stringify(document) : words)
  else output.result(document, words)
}

function keyMissing(): Failure {
  return new Failure('settings_invalid', {
    what: 'MILLRACE_API_KEY is not set.',
    why: 'A deployment gives backups only to an administrator.',
    fix: "Set it to an administrator's API key with the scope `admin` (POST /v1/api-keys).",
  })
}

function unreachable(url: URL, error: unknown): Failure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return new Failure('internal', {
    what: `${url.host} can't be reached.`,
    why: printable(cause instanceof Error ? cause.message : String(cause)),
    fix: 'Check --url and the network; the bucket can be read without the service, see docs/backups.md.',
  })
}

function damaged(why: string): Failure {
  return new Failure('archive_damaged', {
    what: 'The backup did not arrive whole.',
    why,
    fix: 'Try again; nothing was kept of it.',
  })
}
