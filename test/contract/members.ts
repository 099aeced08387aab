import { expect } from 'vitest'
import type { Service } from '../service.ts'
import { asRecord, expectConventions, readAnswer, type Answer } from './answers.ts'

/** A user of a test's own, logged in. */
export interface Member {
  readonly id: string
  readonly username: string
  readonly email: string
  readonly password: string
  readonly network: string
  readonly accessToken: string
  readonly refreshToken: string
}

export interface Call {
  /** An access token or an API key; absent for an anonymous call. */
  readonly token?: string | undefined
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** The address that the call comes from; a new one when absent. */
  readonly network?: string | undefined
}

/** Sends a request with a JSON body, and checks what docs/contract/api.md says of every answer. */
export async function call(service: Service, method: string, path: string, options: Call = {}): Promise<Answer> {
  const { token, body, headers, network = someNetwork() } = options
  const response = await service.fetch(path, {
    method,
    headers: {
      'CF-Connecting-IP': network,
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const answer = await readAnswer(response)
  expectConventions(answer, {
    method,
    path,
    isAnonymous: token === undefined && headers?.['Authorization'] === undefined,
  })
  return answer
}

/** The body of an answer that must have the status. */
export function bodyOf(answer: Answer, status: number): Readonly<Record<string, unknown>> {
  expect({ status: answer.status, text: answer.text }).toEqual({ status, text: answer.text })
  return asRecord(answer.json)
}

/** Checks a refusal: its status goes with its code. */
export function expectRefusal(answer: Answer, status: number, code: string): void {
  const { json, text } = answer
  expect({ status: answer.status, code: asRecord(json)['code'], text }).toEqual({ status, code, text })
}

export function someNetwork(): string {
  return `10.${crypto.getRandomValues(new Uint8Array(3)).join('.')}`
}

export function someName(): string {
  return `u${crypto.randomUUID().replaceAll('-', '')}`
}

/** Registers a new user. */
export async function join(service: Service, password = 'correct horse'): Promise<Member> {
  const username = someName()
  const email = `${username}@example.com`
  const network = someNetwork()
  const answer = await call(service, 'POST', '/v1/auth/register', { body: { username, email, password }, network })
  const { user, accessToken, refreshToken } = bodyOf(answer, 201)
  const { id } = asRecord(user)
  return {
    ...{ id: String(id), username, email, password, network },
    ...{ accessToken: String(accessToken), refreshToken: String(refreshToken) },
  }
}

/** Registers a new administrator. */
export async function joinAdministrator(service: Service): Promise<Member> {
  const member = await join(service)
  await service.database.query(`update users set role = 'admin' where id = '${member.id}'`)
  return member
}

export function logIn(service: Service, { username, network }: Member, password: string): Promise<Answer> {
  return call(service, 'POST', '/v1/auth/login', { body: { username, password }, network })
}

/** Makes an API key of the member's, and gives its text. */
export async function keyOf(service: Service, member: Member, scopes: readonly string[]): Promise<string> {
  const body = { name: 'a key', scopes }
  const answer = await call(service, 'POST', '/v1/api-keys', { token: member.accessToken, body })
  return String(bodyOf(answer, 201)['key'])
}

/** Creates a workflow of the member's, and gives its id. */
export async function workflowOf(service: Service, member: Member, isPublic = false): Promise<string> {
  const body = { name: 'a workflow', definition: {}, isPublic }
  const answer = await call(service, 'POST', '/v1/workflows', { token: member.accessToken, body })
  return String(bodyOf(answer, 201)['id'])
}
