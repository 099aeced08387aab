import process from 'node:process'

/**
 * Node lets garbage pile up to some hundred megabytes before it collects it. These make it collect early instead, which
 * costs time; a limit would end the process at a large document. They can only be given when Node starts.
 */
const leanFlags = ['--max-semi-space-size=2', '--heap-growing-percent=50']

/** Starts the same command again in this very process, with a heap that stays small; where that can't be done, goes on. */
export function startLean(): void {
  const isLean = leanFlags.every((flag) => process.execArgv.includes(flag))
  if (isLean || process.platform === 'win32' || process.execve === undefined) return
  process.execve(process.execPath, [process.execPath, ...leanFlags, ...process.execArgv, ...process.argv.slice(1)])
}
