import type { ServeSettings } from './settings.ts'

interface MemberOptions {
  readonly database?: string
  readonly host: string
  readonly port: number
  readonly processes: number
  readonly grace: number
}

/** How each process of a group is started. A URL given as an argument goes on by the environment: it may hold a password. */
export function memberCommand({ database = '', host, port, processes, grace }: MemberOptions, isJson: boolean) {
  const options = { host, port, processes, grace }
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  return {
    args: ['serve', ...args, ...(isJson ? ['--json'] : [])],
    // The argument comes before either variable, and both at once are refused.
    env: database === '' ? {} : { DATABASE_URL: database, DATABASE_URL_FILE: '' },
  }
}

/** Beyond the one that is kept: one for the lease of a backup, and one for what else comes meanwhile. */
const jobsOverflow = 2

/** The first process of a group runs jobs and answers no request: it needs less than `pool_size` connections. */
export function withPoolOfJobs(chosen: ServeSettings): ServeSettings {
  const { database } = chosen.settings
  const { poolSize, maxOverflow } = database.options
  const options = {
    ...database.options,
    poolSize: 1,
    maxOverflow: Math.min(jobsOverflow, poolSize + maxOverflow - 1),
  }
  return { ...chosen, settings: { ...chosen.settings, database: { ...database, options } } }
}
