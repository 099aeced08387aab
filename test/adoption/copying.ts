import { copy, type CopyOptions } from '@millrace/cli/archive/copy'
import { createLifetime } from '@millrace/cli/lifetime'
import { createOutput } from '@millrace/cli/output'
import { asFailure } from '@millrace/cli/failure'
import { workspaceRoot } from '../workspace.ts'

export interface Copied {
  readonly exitCode: number
  readonly document: CopyDocument
  readonly notes: string
}

export interface CopyDocument {
  readonly ok?: boolean
  readonly tables: Readonly<Record<string, TableCounts>>
  readonly refused?: Readonly<Record<string, { readonly count: number; readonly ids: readonly (string | null)[] }>>
  readonly error?: { readonly code: string; readonly what: string; readonly why: string; readonly fix: string }
}

export interface TableCounts {
  readonly read: number
  readonly written: number
  readonly quarantined: number
  readonly added: number
  readonly sha256: string
}

/** `millrace copy … --json`, in this process. */
export async function copied(
  options: CopyOptions,
  environment: Readonly<Record<string, string>> = {},
): Promise<Copied> {
  let printed = ''
  let notes = ''
  const output = createOutput(
    { stdout: { write: (text) => (printed += text) }, stderr: { write: (text) => (notes += text) } },
    true,
  )
  const lifetime = createLifetime()
  const directories = { caller: workspaceRoot, workspace: workspaceRoot }
  let exitCode: number
  try {
    exitCode = await lifetime.run(() =>
      copy({ output, lifetime, directories, environment: () => environment }, options),
    )
  } catch (thrown) {
    const failure = asFailure(thrown)
    output.failure(failure)
    exitCode = failure.exitCode
  }
  return { exitCode, document: JSON.parse(printed) as CopyDocument, notes }
}
