import { sha256Hex } from '@millrace/api/digest'
import { asRecord } from '../contract/answers.ts'

/** Members of requests that hold documents. */
const documents = new Set(['definition', 'input', 'payload', 'state', 'output'])
/** Members of requests that hold texts of the user's own, or secrets. */
const texts = new Set(['description', 'changeNotes', 'newPassword', '$secret', 'theme', 'user', 'language', 'receipt'])
/** Members of requests and answers that hold credentials. */
const credentials = ['token', 'refreshToken', 'accessToken', 'password', 'currentPassword', 'key']

/** The body with the canary wherever it holds a document, a text or a secret. */
export function withCanary(value: unknown, canary: string): unknown {
  if (Array.isArray(value)) return value.map((item) => withCanary(item, canary))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (documents.has(name)) return [name, { canary }]
      return [name, texts.has(name) ? canary : withCanary(member, canary)]
    }),
  )
}

/** The credentials of a body, with what the database keeps of each. */
export function credentialsOf(body: unknown): readonly string[] {
  if (typeof body !== 'object' || body === null) return []
  const record = asRecord(body)
  const plain = credentials.flatMap((name) => (typeof record[name] === 'string' ? [record[name]] : []))
  return [...plain, ...plain.map((one) => sha256Hex(one))]
}

/** Whether an event's data are names and numbers: nothing that a document could stand in. */
export function isFlat(data: unknown): boolean {
  const isPlain = (value: unknown) =>
    value === null || ['number', 'boolean'].includes(typeof value) || (typeof value === 'string' && value.length <= 256)
  return Object.values(asRecord(data)).every((value) => (Array.isArray(value) ? value.every(isPlain) : isPlain(value)))
}
