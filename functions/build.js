// Plain JavaScript for any Node that runs wrangler: the build itself is TypeScript, which Node runs from 22.18 on.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 22 || (major === 22 && minor >= 18)) await import('./build.ts')
else {
  const node = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url))
  const { status, error } = spawnSync(node, [fileURLToPath(import.meta.url)], { stdio: 'inherit' })
  if (error !== undefined)
    console.error(`Building needs Node 22.18 or newer, and ${node} did not start: ${error.message}`)
  process.exitCode = status ?? 1
}
