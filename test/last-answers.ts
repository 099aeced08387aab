/** What a test was answered over HTTP, newest last: printed where it fails. */
const shownAnswers = 3
const shownBodyCharacters = 2000

interface Heard {
  readonly request: string
  readonly response: Response
}

let heard: readonly Heard[] = []

export function forgetAnswers(): void {
  heard = []
}

/** Keeps a copy of the answer; of one that streams the head alone, since its end may never come. */
export function hearAnswer(path: string, init: RequestInit | undefined, response: Response): void {
  const isText = /json|text\/(html|plain)/.test(response.headers.get('Content-Type') ?? '')
  const copy = isText ? response.clone() : new Response(null, { headers: response.headers, status: response.status })
  heard = [...heard.slice(1 - shownAnswers), { request: `${init?.method ?? 'GET'} ${path}`, response: copy }]
}

/** Status, code, headers and body of each. */
export async function describeAnswers(): Promise<string> {
  const described = await Promise.all(heard.map(describe))
  return described.join('')
}

async function describe({ request, response }: Heard): Promise<string> {
  const body = await response.text()
  const code = /"code":"(\w+)"/.exec(body)?.[1]
  const headers = [...response.headers].map(([name, value]) => `  ${name}: ${value}\n`).join('')
  const shown = body.length > shownBodyCharacters ? `${body.slice(0, shownBodyCharacters)}…` : body
  return `${request} → ${response.status}${code === undefined ? '' : ` ${code}`}\n${headers}${shown === '' ? '' : `  ${shown}\n`}`
}
