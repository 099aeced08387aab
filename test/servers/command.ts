import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bundleCommand } from '../../scripts/bundle-command.ts'
import { workspaceRoot } from '../workspace.ts'

/** The command as it is published: bundled, so that each of the many processes starts in a sixth of the time. */
export interface BuiltCommand {
  /** Of its entry, for Node. */
  readonly path: string
  remove(): void
}

/** Builds the command below the workspace's packages, where it finds native code, programs and its own files. */
export async function buildCommand(): Promise<BuiltCommand> {
  const cache = join(workspaceRoot, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'millrace-command-'))
  // A test runs it as the user of the image.
  chmodSync(folder, 0o755)
  const remove = () => {
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await bundleCommand(folder, ['libsql', 'wrangler'])
    return { path: join(folder, 'main.js'), remove }
  } catch (error) {
    remove()
    throw error
  }
}
