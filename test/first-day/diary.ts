import type { Home, Running } from './home.ts'

/** What is written about one thing that the user does. */
export interface Entry {
  readonly title: string
  readonly text: string
  readonly command?: string
  readonly output?: string
  readonly seconds: number
}

export interface Told {
  readonly text: string
  readonly command?: string
  readonly output?: string
}

export interface CommandOptions {
  readonly in?: string
  readonly env?: Readonly<Record<string, string>>
  /** 0 when absent. */
  readonly exitCode?: number
  /** What of the output is worth reading: all of it when absent. */
  readonly shown?: (output: string) => string
}

export interface Diary {
  readonly entries: readonly Entry[]
  /** Runs what the user does at this point, and notes how long it took. */
  step<Result>(title: string, act: () => Promise<Told & { readonly result: Result }>): Promise<Result>
  /** One command that ends, with its output. */
  command(title: string, text: string, command: string, options?: CommandOptions): Promise<string>
}

export function openDiary(home: Home, note: (line: string) => void): Diary {
  const entries: Entry[] = []
  const diary: Diary = {
    entries,
    async step(title, act) {
      note(title)
      const begun = performance.now()
      const { result, ...told } = await act()
      entries.push({ title, ...told, seconds: (performance.now() - begun) / 1000 })
      return result
    },
    command: (title, text, command, options = {}) =>
      diary.step(title, async () => {
        const output = await ended(home.start(command, options), command, options.exitCode)
        return { text, command, output: (options.shown ?? ((all) => all))(output), result: output }
      }),
  }
  return diary
}

/** The output of a command that ended as it should. */
export async function ended({ ended: end }: Running, command: string, expected = 0): Promise<string> {
  const { exitCode, output } = await end
  if (exitCode !== expected) throw new Error(`exit code ${exitCode} of: ${command}\n${output}`)
  return output
}

/** What a pattern has found in an output. */
export function must(pattern: RegExp, text: string, group = 1): string {
  const found = pattern.exec(text)?.[group]
  if (found === undefined) throw new Error(`${pattern} is not in: ${text}`)
  return found
}
