import type { Context } from './context.ts'
import { Failure, Interrupted } from './failure.ts'

const maxInputBytes = 4096

/**
 * A new password: typed twice, unseen, at a terminal; else the one line of standard input. Never an argument, which
 * other users of the machine and the shell's history would keep.
 */
export function readNewPassword(context: Context, username: string): Promise<string> {
  return process.stdin.isTTY ? askTwice(context, username) : readLine(context)
}

async function askTwice({ lifetime }: Context, username: string): Promise<string> {
  const { password: promptPassword } = await import('@inquirer/prompts')
  const ask = (message: string) =>
    promptPassword({ message }, { output: process.stderr, signal: lifetime.interruption, clearPromptOnDone: true })
  try {
    const first = await ask(`Password for ${username}:`)
    const second = await ask('The same again:')
    if (first === second) return first
  } catch (error) {
    lifetime.interruption.throwIfAborted()
    // In raw mode Ctrl-C reaches the prompt, not the process.
    if (error instanceof Error && error.name === 'ExitPromptError') throw new Interrupted(130)
    throw error
  }
  throw new Failure('validation_failed', {
    what: 'The two passwords differ.',
    why: 'What was typed the second time is not what was typed first.',
    fix: 'Run the command again.',
  })
}

function stopReading(): void {
  process.stdin.destroy()
}

async function readLine({ lifetime }: Context): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  process.stdin.on('error', () => undefined)
  lifetime.interruption.addEventListener('abort', stopReading, { once: true })
  try {
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > maxInputBytes) break
    }
  } catch (error) {
    lifetime.interruption.throwIfAborted()
    throw error
  } finally {
    lifetime.interruption.removeEventListener('abort', stopReading)
  }
  lifetime.interruption.throwIfAborted()
  return onlyLine(Buffer.concat(chunks))
}

/** The password in what standard input held. Throws a Failure unless that is one line of UTF-8. */
export function onlyLine(bytes: Uint8Array): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw inputFailure('It is not valid UTF-8.')
  }
  const line = text.replace(/\r?\n$/, '')
  if (line === '') throw inputFailure('It is empty.')
  if (/[\r\n]/.test(line) || bytes.length > maxInputBytes) throw inputFailure('It holds more than one line.')
  return line
}

function inputFailure(why: string): Failure {
  return new Failure('validation_failed', {
    what: 'There is no password on standard input.',
    why,
    fix: 'Run the command at a terminal, or send one line: printf \'%s\\n\' "$PASSWORD" | millrace user …',
  })
}
