import type { ExecutionError } from '../contract.ts'

/** What somebody threw, as an execution or a step keeps it: `code` is the error's `code` if it is text, else its name. */
export function failureOf(thrown: unknown): ExecutionError {
  const { code, name } = thrown instanceof Error ? namesOf(thrown) : { code: undefined, name: 'Error' }
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return { code: code ?? name, message: keepable(message) }
}

function namesOf(error: Error): { readonly code: string | undefined; readonly name: string } {
  const code = 'code' in error && typeof error.code === 'string' ? keepable(error.code) : undefined
  return { code, name: keepable(error.name) }
}

/** Without what a document may not hold. */
function keepable(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD')
}
