import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import { claimablePort } from '../ports.ts'
import { isRunning } from '../process-table.ts'

const mostTried = 100

/** A port that no other `dev` of this user takes, until `release`. */
export interface PortClaim {
  readonly port: number
  readonly release: () => void
}

/**
 * The first port from `from` on that nothing listens on and no other `dev` has chosen: wrangler listens only seconds after
 * the port was chosen, and two that start at once would choose the same. Throws a Failure as `claimablePort` does.
 */
export async function claimNextPort(host: string, from: number, option: string): Promise<PortClaim> {
  const directory = join(tmpdir(), `millrace-dev-${userInfo().uid}`)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  for (let port = from; ; port += 1) {
    const file = join(directory, String(port))
    const release = () => rmSync(file, { force: true })
    if (!take(file)) continue
    try {
      await claimablePort(host, port, option)
      return { port, release }
    } catch (error) {
      release()
      const isTaken = error instanceof Failure && error.code === 'port_taken'
      if (!isTaken || port === from + mostTried) throw error
    }
  }
}

/** Whether the file is this process's: one whose process is gone is taken over. */
function take(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  if (isRunning(Number(readFileSync(file, 'utf8')))) return false
  writeFileSync(file, String(process.pid), { mode: 0o600 })
  return true
}
