import process from 'node:process'

/**
 * Node lets garbage pile up to some hundred megabytes before it collects it. These make it collect early instead, which
 * costs time; a limit would end the process at a large document. They can only be given when Node starts.
 */
export const leanFlags = ['--min-semi-space-size=8', '--max-semi-space-size=8', '--heap-growing-percent=25']

/** Of glibc: each of Node's threads would have an arena of its own, and keep what is free in it. */
const leanEnvironment = { MALLOC_ARENA_MAX: '2' }

/** Starts the same command again in this very process, with a heap that stays small; where that can't be done, goes on. */
export function startLean(): void {
  const isLean = leanFlags.every((flag) => process.execArgv.includes(flag))
  if (isLean || process.platform === 'win32' || process.execve === undefined) return
  const args = [process.execPath, ...leanFlags, ...process.execArgv, ...process.argv.slice(1)]
  process.execve(process.execPath, args, { ...leanEnvironment, ...process.env })
}
