import { readdirSync, readFileSync } from 'node:fs'

/** As Linux counts CPU time in /proc (`getconf CLK_TCK`). */
const ticksPerSecond = 100

/** CPU time that a process and its descendants have used, in milliseconds; 0 where there is no /proc. */
export function cpuMilliseconds(processId: number): number {
  const processes = readProcesses()
  const family = familyIn(processes, processId)
  const ticks = processes.filter(({ id }) => family.has(id)).reduce((sum, process) => sum + process.ticks, 0)
  return (ticks * 1000) / ticksPerSecond
}

/** CPU time that the threads of a process have used, in milliseconds, as its scheduler counts it: in nanoseconds. */
export function threadMilliseconds(processId: number): number {
  const threads = `/proc/${processId}/task`
  const nanoseconds = readdirSync(threads).map((thread) => {
    const [spent] = readFileSync(`${threads}/${thread}/schedstat`, 'utf8').split(' ')
    return Number(spent)
  })
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1_000_000
}

/** CPU time of this process's children that have ended, and of their own, in milliseconds; 0 where there is no /proc. */
export function endedChildrenMilliseconds(): number {
  if (process.platform !== 'linux') return 0
  const [userTicks, systemTicks] = fieldsOf(readFileSync('/proc/self/stat', 'utf8')).slice(13, 15)
  return ((Number(userTicks) + Number(systemTicks)) * 1000) / ticksPerSecond
}

/** The parent of a process; undefined where there is no such process here, or no /proc. */
export function parentOf(processId: number): number | undefined {
  return readProcesses().find(({ id }) => id === processId)?.parent
}

/** Ids of a process and its descendants. */
export function familyOf(processId: number): ReadonlySet<number> {
  return familyIn(readProcesses(), processId)
}

function familyIn(processes: readonly Process[], processId: number): ReadonlySet<number> {
  const family = new Set([processId])
  // A child's id may be smaller than its parent's: until nothing is added.
  for (let size = 0; size < family.size;) {
    size = family.size
    for (const { id, parent } of processes) if (family.has(parent)) family.add(id)
  }
  return family
}

/** Ids of this process's own children whose program has that name. */
export function childrenNamed(name: string): readonly number[] {
  return readProcesses()
    .filter((child) => child.parent === process.pid && child.name === name)
    .map(({ id }) => id)
}

interface Process {
  readonly id: number
  readonly name: string
  readonly parent: number
  /** Of those of its children too that have ended. */
  readonly ticks: number
}

function readProcesses(): readonly Process[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => readProcess(Number(entry)) ?? [])
}

/** `proc_pid_stat(5)`: the name in parentheses may hold spaces. */
function readProcess(id: number): Process | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${id}/stat`, 'utf8')
  } catch {
    // It has ended since the folder was listed.
    return undefined
  }
  const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'))
  const fields = fieldsOf(text)
  const ticks = [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0)
  return { id, name, parent: Number(fields[1]), ticks }
}

/** What stands behind the name: the state is the first. */
function fieldsOf(text: string): readonly string[] {
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}
