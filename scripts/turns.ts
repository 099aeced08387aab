import { drawnBy, isSampled, seedOfRun } from './run-seed.ts'

/** Slow suites that are about no database; a run of everything has one of each row, by seed. */
const turns: readonly (readonly string[])[] = [
  // The image runs the command that the package has.
  ['test/package/millrace.test.ts', 'test/packages/client.test.ts', 'test/deploy/image.test.ts'],
  // Both walk from `dev` through the console, a worker and a backup.
  ['test/console/newcomer.test.ts', 'test/first-day/first-day.test.ts'],
  ['test/packages/generated-clients.test.ts', 'test/examples/from-sqlalchemy.test.ts', 'test/examples/worker.test.ts'],
  ['test/deploy/deploy.test.ts', 'test/deploy/d1.test.ts'],
  ['test/serve/group.test.ts', 'test/serve/stopping.test.ts'],
]

/**
 * Ways to run the service that share all above the driver with the functions, and other servers of MySQL's dialect; a run of everything has
 * half of the suites of each, by seed.
 */
const halvedProjects: ReadonlySet<string> = new Set(['serve', 'hyperdrive', 'd1', 'mariadb-11', 'mysql-9'])

export interface TestFile {
  readonly project: string
  /** From the workspace's folder on, with `/`. */
  readonly path: string
}

/** The files that this run leaves to another commit. None where it is not sampled. */
export function leftToOthers(files: readonly TestFile[]): ReadonlySet<TestFile> {
  if (!isSampled) return new Set()
  const seed = seedOfRun()
  const waiting = new Set(
    turns.flatMap((row) => row.toSpliced(drawnBy(seed, `turn of ${row.join(' ')}`, row.length), 1)),
  )
  const left = files.filter(({ project, path }) => project === 'databases' && waiting.has(path))
  for (const project of halvedProjects) {
    const own = files
      .filter((file) => file.project === project)
      .toSorted((one, other) => (one.path < other.path ? -1 : 1))
    const first = drawnBy(seed, `half of ${project}`, 2)
    left.push(...own.filter((_file, index) => index % 2 !== first))
  }
  return new Set(left)
}
