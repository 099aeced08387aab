import { styleText } from 'node:util'
import type { Failure } from './failure.ts'

/** A terminal says whether it shows colours: it asks NO_COLOR and TERM. */
interface OutputStream {
  readonly isTTY?: boolean | undefined
  hasColors?(): boolean
  write(text: string): unknown
}

export interface OutputStreams {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
}

/** What a command says. With `--json` standard output holds exactly one JSON document; all else is standard error. */
export interface Output {
  readonly isJson: boolean
  /** Whether the words on standard output may have colours. */
  readonly isColored: boolean
  /** The command's result: the document for `--json`, the words for people. */
  result(document: unknown, words: string): void
  /** Something worth knowing on the way; never part of the result. */
  note(words: string): void
  /** A note that several steps of a command come upon, and only the first one tells. */
  noteOnce(words: string): void
  /** The lines of what, why, fix and page, or the error document. `verdict` holds the command's own members beside `error`. */
  failure(failure: Failure, verdict?: object): void
}

const labelWidth = 7

type Label = 'error' | 'why' | 'fix' | 'see'

const colors = { error: 'red', why: 'dim', fix: 'green', see: 'dim' } as const

function labelled(label: Label, text: string, isColored: boolean): string {
  const indented = text.replaceAll('\n', `\n${' '.repeat(labelWidth)}`)
  const padded = `${label.padStart(labelWidth - 2)}:`
  return `${isColored ? styleText(colors[label], padded, { validateStream: false }) : padded} ${indented}\n`
}

function failureLines({ words, page }: Failure, isColored: boolean): string {
  const { what, why, fix } = words
  const lines: readonly (readonly [Label, string])[] = [
    ['error', what],
    ['why', why],
    ['fix', fix],
    ...(page === undefined ? [] : [['see', page] as const]),
  ]
  return lines.map(([label, text]) => labelled(label, text, isColored)).join('')
}

export function showsColors(stream: OutputStream): boolean {
  return stream.isTTY === true && stream.hasColors?.() === true
}

export function createOutput(streams: OutputStreams, isJson: boolean): Output {
  let isAnswered = false
  const noted = new Set<string>()
  const document = (value: unknown) => {
    isAnswered = true
    streams.stdout.write(`${JSON.stringify(value)}\n`)
  }
  return {
    isJson,
    isColored: !isJson && showsColors(streams.stdout),
    result(value, words) {
      if (isJson) document(value)
      else streams.stdout.write(`${words}\n`)
    },
    note(words) {
      streams.stderr.write(`${words}\n`)
    },
    noteOnce(words) {
      if (noted.has(words)) return
      noted.add(words)
      streams.stderr.write(`${words}\n`)
    },
    failure(failure, verdict = {}) {
      // A server that was ready and then failed has given its one document already.
      if (isJson && !isAnswered) document({ ...verdict, error: { code: failure.code, ...failure.words } })
      else streams.stderr.write(failureLines(failure, showsColors(streams.stderr)))
    },
  }
}
