import type { Write } from './write.ts'
import { beginRestore } from './jobs.ts'
import { writesAlone } from './writes-alone.ts'
import { beginRestoreAndLook, endingsAndLooks, writesAndLooks } from './writes-and-looks.ts'
import { ofExecutions } from './writes-of-executions.ts'
import { writes } from './writes.ts'

export type Pair = readonly [Write, Write]

/** Every two writes, also one with itself, that can meet in a row; and what rests on an ending that looks at the rows. */
export const pairs: readonly Pair[] = [
  ...writes.flatMap((first, index) =>
    writes
      .slice(index)
      .filter((second) => canMeet(first, second) && !isCutShort(first, second))
      .map((second): Pair => [first, second]),
  ),
  ...ofExecutions
    .filter((write) => !mayEndLater(write))
    .flatMap((write) =>
      endingsAndLooks.filter((ending) => canMeet(write, ending)).map((ending): Pair => [write, ending]),
    ),
  ...writes
    .filter((write) => canMeet(write, beginRestoreAndLook) && !isCutShort(write, beginRestoreAndLook))
    .map((write): Pair => [write, beginRestoreAndLook]),
]

/** A job is several writes, and a restore that begins between two of them refuses the others. */
function isCutShort(job: Write, other: Write): boolean {
  const severalWrites = ['serve the schedules', 'sweep executions', 'sweep ended executions']
  return severalWrites.includes(job.name) && (other === beginRestore || other === beginRestoreAndLook)
}

/** A claim of PostgreSQL may be given out behind the end of its caller's standing (docs/adr/0192). */
function mayEndLater({ name }: Write): boolean {
  return name.startsWith('claim')
}

/** Three of which each meets another one, where two alone would not do: `share × transfer × unshare`. */
export const triples: readonly (readonly Write[])[] = [
  'share with dave × transfer to bob × unshare bob',
  'share less with bob × patch by bob × transfer to bob',
  'patch × restore × transfer to bob',
  'patch at a revision × patch by bob × restore at a revision',
  'delete × start × share with dave',
  'delete × retry under a key × retry under a key',
  'patch × start under a key × start under a key',
  'create under a key × create under a key × create under a key',
  'restore under a key × patch × restore under a key',
  'claim × cancel pending × claim under a key',
  'claim × give back × claim by an API key',
  'give back × cancel running × heartbeat',
  'resume × signal paused × cancel paused',
  'refresh × refresh × change the password',
  'refresh × refresh with a used token × log out',
  'log in × change the password × change the password otherwise',
  'patch by an API key × delete the API key × change the password and end keys',
  'demote root × demote admin × disable root',
  'leave × log in as erin × patch by erin',
  'leave × transfer to erin × share with erin',
  'put settings × merge settings × merge other settings',
  'signal running × wait for a signal × claim',
  'signal waiting × resume waiting × signal waiting by bob under a key',
  'serve the schedules × serve the schedules × change the due schedule',
  'reset the password × reset the password otherwise × log in',
  'hold the running execution × record steps × disable alice, and look',
  'hold the running execution × heartbeat × transfer work to bob by root, and look',
  'hold the running execution × write state × delete the worker key, and look',
  'hold the running execution × complete × log out of the first, and look',
  'create under an old key × create otherwise under an old key × sweep old keys',
].map(writesOf)

function canMeet(first: Write, second: Write): boolean {
  const meets = (rows: readonly string[], others: readonly string[]) => rows.some((row) => others.includes(row))
  return meets(first.changes, [...second.changes, ...second.reads]) || meets(second.changes, first.reads)
}

/** The name of those that meet: `patch × delete`. */
export function nameOf(together: readonly Write[]): string {
  return together.map(({ name }) => name).join(' × ')
}

/**
 * Also of those that are made alone, which are in no pair: failed-schedules.txt and lost-trips.txt name some.
 * @throws where no write has one of the names
 */
export function writesOf(name: string): readonly Write[] {
  return writesAmong([...writes, ...writesAlone, ...writesAndLooks], name)
}

/** @throws where no write has one of the names */
export function writesAmong(all: readonly Write[], name: string): readonly Write[] {
  return name.split(' × ').map((part) => {
    const found = all.find((write) => write.name === part)
    if (found === undefined) throw new Error(`there is no write named ${part}`)
    return found
  })
}

/** Other clients' writes that can meet it. */
export function partnersOf(write: Write): readonly Write[] {
  return writes.filter((other) => other !== write && other !== beginRestore && canMeet(write, other))
}
