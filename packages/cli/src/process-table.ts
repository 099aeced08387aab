import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** One process, as far as its kinship and its marks can be seen. */
export interface ProcessEntry {
  readonly pid: number
  readonly parentPid: number
  /** The command line, arguments separated by blanks. */
  readonly command: string
}

const hasProc = process.platform === 'linux'

function readProc(pid: number, file: 'stat' | 'cmdline' | 'environ'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // Gone meanwhile, or another user's: as good as not there.
    return undefined
  }
}

function fromProc(pid: number): ProcessEntry | undefined {
  const stat = readProc(pid, 'stat')
  const command = readProc(pid, 'cmdline')
  if (stat === undefined || command === undefined) return undefined
  // The name in parentheses may itself hold blanks and parentheses: the fields start behind the last one.
  const [state, parentPid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (state === 'Z') return undefined
  return { pid, parentPid: Number(parentPid), command: command.split('\0').join(' ').trim() }
}

function ps(args: readonly string[]): string {
  try {
    return execFileSync('ps', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 64 * 1024 * 1024,
    })
  } catch {
    // `ps -p` of a process that is gone exits 1.
    return ''
  }
}

function fromPs(pid: number): ProcessEntry | undefined {
  const match = /^\s*(\d+)\s+(.*)$/s.exec(ps(['-o', 'ppid=,command=', '-p', String(pid)]))
  return match === null ? undefined : { pid, parentPid: Number(match[1]), command: (match[2] ?? '').trim() }
}

/** The living process with this id; undefined when there is none. */
export function findProcess(pid: number): ProcessEntry | undefined {
  return hasProc ? fromProc(pid) : fromPs(pid)
}

/** The ids of this user's living processes that were started with `name=value` in their environment. */
export function processesMarked(name: string, value: string): number[] {
  const mark = `${name}=${value}`
  if (!hasProc) {
    return ps(['-axEww', '-o', 'pid=,command='])
      .split('\n')
      .filter((line) => line.split(' ').includes(mark))
      .map((line) => Number.parseInt(line, 10))
  }
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => readProc(pid, 'environ')?.split('\0').includes(mark) === true && fromProc(pid) !== undefined)
}

/** Whether a process of that id is there, whoever's it is. */
export function isRunning(processId: number): boolean {
  if (!Number.isSafeInteger(processId) || processId <= 0) return false
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    // Another user's process runs too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
