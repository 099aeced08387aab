import type { MissingServer, ServerAddress } from './address.ts'

export const serverNames = ['postgres', 'mysql'] as const

/** Other servers of MySQL's dialect: projects of a run in CI have their suites on them (vitest.config.ts). */
export const otherServerNames = ['mariadb-11', 'mysql-9'] as const
export type OtherServerName = (typeof otherServerNames)[number]

export type ServerName = (typeof serverNames)[number] | OtherServerName

type ServerOrReason = ServerAddress | MissingServer

/** What the runner is told when the servers are up. */
export type StartedServers = Readonly<Record<(typeof serverNames)[number], ServerOrReason>> &
  Readonly<Partial<Record<OtherServerName, ServerOrReason>>>

/** From the servers' process to the runner, once. */
export type ServersMessage = { readonly started: StartedServers } | { readonly failed: string }

/** From the runner: the run ended as it should, so that nothing is to be swept up behind it. */
export const endOfRun = 'end of run'

/** Set to the run's id in the runner's environment, so inherited by all that the tests start. */
export const runVariable = 'MILLRACE_TEST_RUN'
