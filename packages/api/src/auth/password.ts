import { compare, hash, truncates } from 'bcryptjs'

/** Bcrypt reads no further: two longer passwords with the same beginning would be one. */
export const maxPasswordBytes = 72
export const minPasswordCodePoints = 8

const bcryptHash = /^\$2[aby]\$\d{2}\$[./A-Za-z0-9]{53}$/

/** A `$2b$` hash of the given cost. */
export function hashPassword(password: string, cost: number): Promise<string> {
  return hash(password, cost)
}

/**
 * Whether the password is the one of a `$2a$`, `$2b$` or `$2y$` hash. What can't be right (no such user, a hash of
 * another kind, a password that bcrypt would cut) costs a hash of the same cost too, so that time tells nothing.
 */
export async function verifyPassword(password: string, stored: string | undefined, cost: number): Promise<boolean> {
  if (stored === undefined || !bcryptHash.test(stored) || truncates(password)) {
    await compare(password, decoyHash(cost))
    return false
  }
  return compare(password, stored)
}

/** Whether the password is to be hashed anew when it was right: the hash is of another cost or kind. */
export function isOutdated(stored: string, cost: number): boolean {
  return !stored.startsWith(decoyHash(cost).slice(0, 7))
}

function decoyHash(cost: number): string {
  return `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(22)}${'.'.repeat(31)}`
}
