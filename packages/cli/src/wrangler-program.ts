import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type * as Wrangler from 'wrangler'
import { Failure } from './failure.ts'

const find = createRequire(import.meta.url)

/** The script of wrangler that is installed beside the command. Throws a Failure where there is none. */
export function wranglerScript(): string {
  try {
    return join(dirname(find.resolve('wrangler/package.json')), 'bin/wrangler.js')
  } catch (error) {
    throw missingWrangler(error)
  }
}

/** wrangler as a library. Throws a Failure where it is not installed. */
export async function loadWrangler(): Promise<typeof Wrangler> {
  wranglerScript()
  return import('wrangler')
}

function missingWrangler(error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')) return error
  return new Failure('settings_invalid', {
    what: 'This needs wrangler, which is not installed beside this command.',
    why: 'The container image leaves it out: it is larger than everything else in it.',
    fix: 'Run the same command with `npx millrace`, or in a clone of the repository.',
  })
}
