import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A process that passes for a `millrace dev` which was started in a directory and listens on a port. */
export function pretendDev(directory: string, port: number): { readonly end: () => void } {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'millrace'], { stdio: 'ignore' })
  mkdirSync(join(directory, '.millrace'), { recursive: true })
  const record = { mark: 'pretended', pid: child.pid, port }
  writeFileSync(join(directory, '.millrace', `dev-${port}.json`), JSON.stringify(record))
  return { end: () => void child.kill('SIGKILL') }
}
