#!/usr/bin/env node
// Plain JavaScript for the oldest Node that may start it: the sources are TypeScript, which Node runs from 22.18 on.
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { fileURLToPath } from 'node:url'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

/** Commands that move rows start again with a small heap: here, before their own code is read twice. */
const moving = ['backup', 'copy', 'drill', 'restore', 'verify']

if (major > 22 || (major === 22 && minor >= 18)) {
  if (moving.includes(process.argv[2] ?? '')) (await import('../src/archive/lean.ts')).startLean()
  await import('../src/main.ts')
} else startWithNewerNode()

function startWithNewerNode() {
  const node = fileURLToPath(new URL('../../../node_modules/.bin/node', import.meta.url))
  try {
    accessSync(node, constants.X_OK)
  } catch {
    refuse(`This Node is ${process.version}, and the workspace has no newer one at node_modules/.bin/node.`)
    return
  }
  // Its own arguments may hold a password; those of the newer one are hidden by itself.
  process.title = 'millrace'
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => refuse(error.message))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

/** @param {string} why */
function refuse(why) {
  const error = {
    code: 'settings_invalid',
    what: 'millrace needs Node 22.18 or newer.',
    why,
    fix: 'Install Node 22.18 or newer, or run `npx -y pnpm@12 install` in the workspace.',
  }
  if (process.argv.includes('--json')) console.log(JSON.stringify({ error }))
  else console.error(`error: ${error.what}\n  why: ${error.why}\n  fix: ${error.fix}`)
  process.exitCode = 2
}
