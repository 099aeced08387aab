import { expect } from 'vitest'

export const json = { 'Content-Type': 'application/json' }

/** Registers a user of a server, and gives its access token. */
export async function register(url: string, name: string): Promise<string> {
  const answer = await fetch(`${url}/v1/auth/register`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ username: name, email: `${name}@example.com`, password: 'correct horse battery' }),
  })
  expect(answer.status).toBe(201)
  const { accessToken } = (await answer.json()) as { accessToken: string }
  return accessToken
}
