import type { Failure } from './failure.ts'

export interface OutputStreams {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

/** What a command says. With `--json` standard output holds exactly one JSON document; all else is standard error. */
export interface Output {
  readonly isJson: boolean
  /** The command's result: the document for `--json`, the words for people. */
  result(document: unknown, words: string): void
  /** Something worth knowing on the way; never part of the result. */
  note(words: string): void
  /** The three lines, or the error document. `verdict` holds the command's own members beside `error`. */
  failure(failure: Failure, verdict?: object): void
}

const labelWidth = 7

function labelled(label: string, text: string): string {
  return `${label.padStart(labelWidth - 2)}: ${text.replaceAll('\n', `\n${' '.repeat(labelWidth)}`)}\n`
}

function threeLines({ words }: Failure): string {
  return labelled('error', words.what) + labelled('why', words.why) + labelled('fix', words.fix)
}

export function createOutput(streams: OutputStreams, isJson: boolean): Output {
  let isAnswered = false
  const document = (value: unknown) => {
    isAnswered = true
    streams.stdout.write(`${JSON.stringify(value)}\n`)
  }
  return {
    isJson,
    result(value, words) {
      if (isJson) document(value)
      else streams.stdout.write(`${words}\n`)
    },
    note(words) {
      streams.stderr.write(`${words}\n`)
    },
    failure(failure, verdict = {}) {
      // A server that was ready and then failed has given its one document already.
      if (isJson && !isAnswered) document({ ...verdict, error: { code: failure.code, ...failure.words } })
      else streams.stderr.write(threeLines(failure))
    },
  }
}
