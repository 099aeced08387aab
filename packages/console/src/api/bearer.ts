import { client } from './client.ts'
import { tokens } from './tokens.ts'

/**
 * A request whose answer is read as a stream, with this tab's token; once more with a new one where that had run out. For
 * what the client, which reads answers whole, is not made for.
 */
export async function fetchStream(path: string, init: RequestInit = {}): Promise<Response> {
  const answer = await send(path, init)
  if (answer.status !== 401) return answer
  await answer.body?.cancel()
  // The client renews the token where it has run out.
  await client.auth.me()
  return send(path, init)
}

async function send(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('Authorization', `Bearer ${(await tokens.load())?.accessToken ?? ''}`)
  return fetch(path, { ...init, headers })
}
