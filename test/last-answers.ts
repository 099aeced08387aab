/** What a test was answered over HTTP, newest last: printed where it fails. */
const shownAnswers = 3
const shownBodyCharacters = 2000

interface Heard {
  readonly request: string
  readonly status: number
  readonly headers: Headers
}

let heard: readonly Heard[] = []
let bodies = new WeakMap<Headers, string>()

export function forgetAnswers(): void {
  heard = []
  bodies = new WeakMap()
}

/** Notes an answer without its body, which is its reader's alone: a copy would keep a cancelled stream from its end. */
export function hearAnswer(path: string, init: RequestInit | undefined, { status, headers }: Response): void {
  heard = [...heard.slice(1 - shownAnswers), { request: `${init?.method ?? 'GET'} ${path}`, status, headers }]
}

/** Notes the body of the answer with these headers, once it is read. */
export function hearBody(headers: Headers, body: string): void {
  bodies.set(headers, body)
}

/** Status, code, headers and body of each. */
export function describeAnswers(): string {
  return heard.map(describe).join('')
}

function describe({ request, status, headers }: Heard): string {
  const body = bodies.get(headers) ?? ''
  const code = status < 400 ? undefined : /"code":"(\w+)"/.exec(body)?.[1]
  const head = [...headers].map(([name, value]) => `  ${name}: ${value}\n`).join('')
  const shown = body.length > shownBodyCharacters ? `${body.slice(0, shownBodyCharacters)}…` : body
  return `${request} → ${status}${code === undefined ? '' : ` ${code}`}\n${head}${shown === '' ? '' : `  ${shown}\n`}`
}
