/**
 * What each script of package.json runs first: installs the packages that are not there yet. `--prod` leaves out the tools
 * of the tests unless they are there, for `dev`: with an empty store that halves the time (docs/adr/0125). Plain JavaScript
 * without a package, for whatever Node is there before anything is installed.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const kind = process.argv.includes('--prod') && !hasTools() ? ['--prod'] : []
const [command, ...args] = pnpmCommand()
const { status, error } = spawnSync(command, [...args, 'install', ...kind, '--loglevel=warn'], {
  cwd: root,
  // Standard output is the script's own.
  stdio: ['ignore', 2, 2],
})
if (status !== 0) {
  console.error(`The packages could not be installed${error === undefined ? '.' : `: ${error.message}`}`)
  process.exitCode = status ?? 1
}

/** Whoever tests goes on testing: an install with `--prod` would remove the tools. */
function hasTools() {
  try {
    return /"devDependencies": *true/.test(readFileSync(join(root, 'node_modules/.modules.yaml'), 'utf8'))
  } catch {
    // Nothing was installed yet.
    return false
  }
}

/** The pnpm that runs this script. */
function pnpmCommand() {
  const path = process.env['npm_execpath']
  if (path === undefined || !basename(path).startsWith('pnpm')) return ['npx', '-y', 'pnpm@12']
  return /\.[cm]?js$/.test(path) ? [process.execPath, path] : [path]
}
