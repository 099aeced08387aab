import type { Lifetime } from './lifetime.ts'
import { findProcess, type ProcessEntry } from './process-table.ts'

const pollMilliseconds = 500
const maxAncestors = 8

/** A process that only passes a command on, and so may die without telling: `npx`, `pnpm`, their `sh -c`, our launcher. */
function isLink({ command }: ProcessEntry): boolean {
  return (
    /(^|[/\s])(npm|npx|pnpm|yarn)(-cli)?(\.[cm]?js)?(\s|$)/.test(command) ||
    /^\S*\bsh -c /.test(command) ||
    command.includes('bin/millrace.js')
  )
}

/**
 * The ids from the parent up to the process that started the command: the first one that is no link of a package
 * manager's chain.
 */
export function startingProcesses(
  parentPid: number,
  find: (pid: number) => ProcessEntry | undefined = findProcess,
): number[] {
  const chain: number[] = []
  for (let pid = parentPid; pid > 1 && chain.length < maxAncestors;) {
    const entry = find(pid)
    if (entry === undefined) break
    chain.push(pid)
    if (!isLink(entry)) break
    pid = entry.parentPid
  }
  return chain
}

/** Ends the command when a process that started it is gone: `npx` and `sh -c` do not pass a SIGTERM on. */
export function endWithStarter(lifetime: Lifetime): void {
  const first = startingProcesses(process.ppid).join()
  const timer = setInterval(() => {
    if (startingProcesses(process.ppid).join() !== first) lifetime.end(143)
  }, pollMilliseconds)
  timer.unref()
}
