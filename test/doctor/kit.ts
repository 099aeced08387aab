import { randomBytes } from 'node:crypto'
import { createLifetime } from '@millrace/cli/lifetime'
import { createOutput } from '@millrace/cli/output'
import { createProgram } from '@millrace/cli/program'
import type { Finding } from '@millrace/db/checklist/finding'
import { workspaceRoot } from '../workspace.ts'
import { emptyDirectory } from '../cli/millrace.ts'

export interface Report {
  readonly exitCode: number
  readonly findings: readonly Finding[]
  /** All that it wrote, on both streams. */
  readonly output: string
}

/** `millrace doctor --json` in this process, with these settings alone. */
export async function doctor(
  environment: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<Report> {
  let output = ''
  let document = ''
  const streams = {
    stdout: {
      write(text: string) {
        document += text
        output += text
      },
    },
    stderr: {
      write(text: string) {
        output += text
      },
    },
  }
  const lifetime = createLifetime()
  const context = {
    output: createOutput(streams, true),
    directories: { caller: emptyDirectory(), workspace: workspaceRoot },
    lifetime,
    environment: () => environment,
  }
  let exitCode = -1
  const program = createProgram({
    streams,
    isJson: true,
    run: async (work) => {
      exitCode = await lifetime.run(() => work(context))
    },
  })
  await program.parseAsync(['doctor', '--json', ...args], { from: 'user' })
  return { exitCode, findings: findingsOf(JSON.parse(document)), output }
}

export function findingsOf(document: unknown): readonly Finding[] {
  if (typeof document !== 'object' || document === null || !('findings' in document)) throw new Error('no findings')
  if (!Array.isArray(document.findings)) throw new Error('findings are no list')
  // The boundary to what the command printed; each test looks at what it needs.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return document.findings as readonly Finding[]
}

/** Settings that a production could have. */
export function soundSettings(): Readonly<
  Record<'AUTH_KEYS' | 'SETTINGS_KEYS' | 'METRICS_TOKEN' | 'REGISTRATION', string>
> {
  return {
    REGISTRATION: 'closed',
    AUTH_KEYS: `auth:${randomBytes(32).toString('base64url')}`,
    SETTINGS_KEYS: `seal:${randomBytes(32).toString('base64url')}`,
    METRICS_TOKEN: randomBytes(24).toString('base64url'),
  }
}
