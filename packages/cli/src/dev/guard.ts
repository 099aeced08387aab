import { spawn } from 'node:child_process'

/*
 * Runs between dev and wrangler, as leader of a process group of its own. When dev's end of standard input closes,
 * however dev ended, it ends wrangler and whatever wrangler started. Arguments: wrangler's script and its arguments.
 */

const graceMilliseconds = 5000

const wrangler = spawn(process.execPath, process.argv.slice(2), { stdio: ['ignore', 'inherit', 'inherit'] })

// The terminal's and the group's signals reach dev too: dev decides, by closing the pipe.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
// dev may be gone while wrangler still writes.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

process.stdin.resume()
process.stdin.on('error', stop)
process.stdin.on('close', stop)

wrangler.on('error', () => process.exit(1))
wrangler.on('exit', (code) => {
  // wrangler may have died without ending workerd.
  process.kill(-process.pid, 'SIGTERM')
  process.exit(code ?? 1)
})

function stop(): void {
  wrangler.kill('SIGTERM')
  setTimeout(() => process.kill(-process.pid, 'SIGKILL'), graceMilliseconds).unref()
}
