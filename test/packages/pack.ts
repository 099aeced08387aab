import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { workspaceRoot } from '../workspace.ts'

/**
 * Packs a package of the workspace as it would be published.
 *
 * @returns The path of its tarball, in `into`.
 */
export function packPackage(folder: string, into: string): string {
  const before = new Set(readdirSync(into))
  const [program, ...first] = pnpmCommand()
  execFileSync(program, [...first, 'pack', '--pack-destination', into], {
    cwd: join(workspaceRoot, folder),
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const tarball = readdirSync(into).find((name) => name.endsWith('.tgz') && !before.has(name))
  if (tarball === undefined) throw new Error(`pnpm pack made no tarball of ${folder}`)
  return join(into, tarball)
}

/** The pnpm that runs the tests, else the one that the README's command fetches. */
function pnpmCommand(): readonly [string, ...string[]] {
  const running = process.env['npm_execpath']
  const isPnpm = running !== undefined && basename(running).startsWith('pnpm')
  if (!isPnpm) return ['npx', '-y', 'pnpm@12']
  // A program of its own, or a script where the platform has none.
  return /\.[cm]?js$/.test(running) ? [process.execPath, running] : [running]
}
