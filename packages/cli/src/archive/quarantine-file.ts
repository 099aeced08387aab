import { createReadStream, existsSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { openOutput } from './output-file.ts'

/** Where the rows go that can't be imported. */
export interface QuarantineFile {
  /** As given, for people. */
  readonly shown: string
  /**
   * Writes the lines beside the file, then gives it its name. In a resumed run the file of the run before may be there:
   * it must hold the same.
   */
  write(lines: AsyncIterable<string>): Promise<void>
}

/**
 * @returns undefined where no file was asked for
 * @throws Failure `file_exists`
 */
export function chooseQuarantine(
  context: Context,
  {
    quarantine: file,
    force,
    resume,
  }: { readonly quarantine?: string; readonly force?: boolean; readonly resume?: boolean },
): QuarantineFile | undefined {
  if (file === undefined) return undefined
  if (file === '-') throw toStandardOutput()
  const mayReplace = force === true
  const path = resolve(context.directories.caller, file)
  const wasThere = existsSync(path)
  const isOfEarlierRun = wasThere && resume === true && !mayReplace
  // Opened now and discarded, so that a place that can't be written is refused before any work.
  openOutput(context, file, { mayReplace: mayReplace || isOfEarlierRun }).discard()
  return {
    shown: file,
    async write(lines) {
      const output = openOutput(context, file, { mayReplace: mayReplace || isOfEarlierRun })
      try {
        for await (const line of lines) await output.write(Buffer.from(line))
        const beside = output.seal(undefined)
        if (isOfEarlierRun && beside !== undefined && (await sha256Of(beside)) !== (await sha256Of(path))) {
          throw changed(path)
        }
        output.finish()
      } finally {
        output.discard()
      }
    },
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk)
  return hash.digest('hex')
}

function changed(path: string): Failure {
  return new Failure('file_exists', {
    what: `The quarantine file ${path} is another than this run would write.`,
    why: 'It was changed, or the source was, since the run that is resumed.',
    fix: 'Keep it under another name, or give --force; where the source has changed, abandon the copy and start over.',
  })
}

function toStandardOutput(): Failure {
  return new Failure('usage', {
    what: 'The quarantine needs a file.',
    why: 'Standard output is where the command says what it did.',
    fix: 'Give --quarantine the name of a file that is not there yet.',
  })
}
