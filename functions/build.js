// Plain JavaScript for any Node that runs wrangler: the build itself is TypeScript, which Node runs from 22.18 on.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const node = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url))

if (!existsSync(new URL('node_modules', import.meta.url))) {
  console.error('The packages are not installed: run `npx -y pnpm@12 install` in the clone, and try again.')
  process.exitCode = 1
} else if (major > 22 || (major === 22 && minor >= 18)) await import('./build.ts')
else {
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  const { status, error } = spawnSync(node, args, { stdio: 'inherit' })
  if (error !== undefined)
    console.error(`Building needs Node 22.18 or newer, and ${node} did not start: ${error.message}`)
  process.exitCode = status ?? 1
}
