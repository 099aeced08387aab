import { createHash } from 'node:crypto'
import { digestField } from '@millrace/api/digest-field'
import type { Context } from '../context.ts'
import { openDeployment, type Deployment } from '../deployment/deployment.ts'
import { Failure } from '../failure.ts'
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
  const deployment = openDeployment(context, options.url)
  const output = openOutput(context, options.out, { mayReplace: options.force === true })
  try {
    const answer = await askFor(deployment, name)
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

/** What the deployment refuses, in the words of a backup. */
async function askFor({ host, ask }: Deployment, name: string): Promise<Response> {
  try {
    return await ask({ path: `/v1/admin/backups/${encodeURIComponent(name)}` })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    throw new Failure(error.code, { ...error.words, what: `${host} did not give the backup.`, fix: fixOf(error) })
  }
}

function fixOf({ code, words }: Failure): string {
  switch (code) {
    case 'forbidden':
    case 'scope_missing':
      return "Use an administrator's API key with the scope `admin`."
    case 'not_found':
      return 'List the backups (GET /v1/admin/backups), or give `latest`; see docs/backups.md.'
    case 'internal':
    case 'database_unreachable':
      return `${words.fix} The bucket can be read without the service; see docs/backups.md.`
    default:
      return words.fix
  }
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
  if (total > 0 && bytes !== total) throw damaged(`${bytes} of ${total} bytes arrived.`)
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
  output.result(document, words)
}

function damaged(why: string): Failure {
  return new Failure('archive_damaged', {
    what: 'The backup did not arrive whole.',
    why,
    fix: 'Try again. Nothing of it was kept.',
  })
}
