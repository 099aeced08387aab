import { appendFileSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { DialectName } from './dialects.ts'
import { recordingVariable } from './recording-variable.ts'

/** One answer that a contract suite was given, as it stands in the run's recording. */
export interface RecordedAnswer {
  /** `trips`: a test has looked at the trips that the answer says it took. */
  readonly kind: 'answered' | 'trips'
  /** The test file, by its name. */
  readonly suite: string
  readonly dialect: DialectName
  readonly method: string
  /** As it was asked for, without the query. */
  readonly path: string
  readonly status: number
  /** Of a problem. */
  readonly code?: string
  /** Names of the request's headers and of the answer's, in lower case. */
  readonly sent: readonly string[]
  readonly headers: readonly string[]
}

const recorded = new WeakMap<Headers, RecordedAnswer>()

/** Writes down what a contract suite asked and what it was answered; other suites are not recorded. */
export async function recordAnswer(
  dialect: DialectName,
  request: { readonly path: string; readonly init: RequestInit | undefined },
  response: Response,
): Promise<void> {
  const suite = /\/test\/contract\/([^/]+)$/.exec((expect.getState().testPath ?? '').replaceAll('\\', '/'))?.[1]
  if (suite === undefined) return
  const { path, init } = request
  const answer: RecordedAnswer = {
    kind: 'answered',
    suite,
    dialect,
    method: init?.method ?? 'GET',
    path: path.replace(/[?#].*/s, ''),
    status: response.status,
    ...(await codeOf(response)),
    sent: [...new Headers(init?.headers).keys()],
    headers: [...response.headers.keys()],
  }
  recorded.set(response.headers, answer)
  write(answer)
}

/** Notes that a test has looked at the trips of the answer with these headers. */
export function recordTrips(headers: Headers): void {
  const answer = recorded.get(headers)
  if (answer !== undefined) write({ ...answer, kind: 'trips' })
}

/** All that was recorded in this run so far; undefined where nothing is. */
export function readRecording(): readonly RecordedAnswer[] | undefined {
  const directory = process.env[recordingVariable]
  if (directory === undefined) return undefined
  return readdirSync(directory).flatMap((name) =>
    readFileSync(join(directory, name), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as RecordedAnswer),
  )
}

async function codeOf(response: Response): Promise<{ readonly code?: string }> {
  if (response.headers.get('Content-Type') !== 'application/problem+json') return {}
  const problem: unknown = JSON.parse((await response.clone().text()) || '{}')
  if (typeof problem !== 'object' || problem === null || !('code' in problem)) return {}
  return typeof problem.code === 'string' ? { code: problem.code } : {}
}

/** The directory that is there. */
let made: string | undefined

/** Each process has a file of its own. */
function write(answer: RecordedAnswer): void {
  const directory = process.env[recordingVariable]
  if (directory === undefined) return
  if (made !== directory) mkdirSync(directory, { recursive: true })
  made = directory
  appendFileSync(join(directory, `${process.pid}.jsonl`), `${JSON.stringify(answer)}\n`)
}
