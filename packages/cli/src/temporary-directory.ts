import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context } from './context.ts'

/** A directory that only this user may enter, and that is gone with the command. @returns its path */
export function temporaryDirectory({ lifetime }: Pick<Context, 'lifetime'>, name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `millrace-${name}-`))
  lifetime.defer(async () => rmSync(directory, { recursive: true, force: true }))
  return directory
}
