import { email, newPassword, username } from '@millrace/api/routes/auth/contract'
import { Failure } from './failure.ts'

function checked(rule: typeof username, what: string, value: string): string {
  const result = rule.safeParse(value)
  if (result.success) return result.data
  throw new Failure('validation_failed', {
    what: `The ${what} is not allowed.`,
    why: result.error.issues.map(({ message }) => `It ${message}.`).join(' '),
    fix: `Choose another ${what}.`,
  })
}

/** The API's rules for a username and an email. Throws a Failure. */
export function checkNames(name: string, address: string): { readonly username: string; readonly email: string } {
  return { username: checked(username, 'username', name), email: checked(email, 'email', address) }
}

/** The API's rules for a password: 8 code points to 72 bytes. Throws a Failure, which never holds the password. */
export function checkPassword(password: string): string {
  if (password.includes('\0')) {
    throw new Failure('validation_failed', {
      what: 'The password is not allowed.',
      why: 'It holds U+0000.',
      fix: 'Choose another password.',
    })
  }
  return checked(newPassword, 'password', password)
}
