import { spawnSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'

/** Whether CI runs this, where nothing may be missing. */
export const isCi = (): boolean => !['', '0', 'false', undefined].includes(process.env['CI'])

/** `TEST_LONG=1` runs the long form of everything, which leaves nothing to chance. */
export const isLong = process.env['TEST_LONG'] === '1'

/** Whether this is a run of everything, in which some tests are left to another commit; scripts/test.ts says so. */
export const isSampled = process.env['TEST_SAMPLE'] === '1' && !isLong

/** Git's name of the code and its tests, so that each change of them draws others, and a change of a page does not. */
export function seedOfRun(): string {
  const given = process.env['TEST_SEED']
  if (given !== undefined && given !== '') return given
  const trees = ['HEAD:packages', 'HEAD:test']
  const { status, stdout } = spawnSync('git', ['rev-parse', ...trees], { encoding: 'utf8' })
  // Said to all parts of the run that ask.
  if (status !== 0) return (process.env['TEST_SEED'] = randomUUID())
  return stdout
    .trim()
    .split('\n')
    .map((name) => name.slice(0, 12))
    .join('-')
}

/** A number below `count` that belongs to the name under this seed. */
export function drawnBy(seed: string, name: string, count: number): number {
  return createHash('sha256').update(`${seed} ${name}`).digest().readUInt32BE() % count
}
