import { hash } from 'bcryptjs'
import { expect, test } from 'vitest'
import { hashPassword, verifyPassword } from './password.ts'

const cost = 4

test('a new hash is $2b$ of the cost asked for, and only its password verifies', async () => {
  const stored = await hashPassword('pässword 1', cost)
  expect(stored).toMatch(/^\$2b\$04\$/)
  expect(await verifyPassword('pässword 1', stored, cost)).toBe(true)
  expect(await verifyPassword('pässword 2', stored, cost)).toBe(false)
})

test.each(['$2a$', '$2b$', '$2y$'])('a %s hash of another cost verifies', async (kind) => {
  const stored = (await hash('correct horse', 5)).replace(/^\$2.\$/, kind)
  expect(await verifyPassword('correct horse', stored, cost)).toBe(true)
})

test('a password that bcrypt would cut never verifies, though its beginning would', async () => {
  const stored = await hashPassword('x'.repeat(72), cost)
  expect(await verifyPassword('x'.repeat(72), stored, cost)).toBe(true)
  expect(await verifyPassword('x'.repeat(73), stored, cost)).toBe(false)
})

test.each([undefined, '', 'plain', '$argon2id$v=19$m=65536', '$2x$04$'.padEnd(60, '.')])(
  '%j lets nobody in',
  async (stored) => {
    expect(await verifyPassword('anything', stored, cost)).toBe(false)
  },
)

test('an unknown user costs about what a known one does', async () => {
  const stored = await hashPassword('correct horse', 10)
  const known = await millisecondsOf(() => verifyPassword('wrong', stored, 10))
  const unknown = await millisecondsOf(() => verifyPassword('wrong', undefined, 10))
  expect(unknown).toBeGreaterThan(known / 3)
})

/** Of the processor, not of the clock: the machine may be busy with other suites. */
async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}
