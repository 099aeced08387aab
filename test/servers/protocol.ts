import type { MissingServer, ServerAddress } from './address.ts'

export const serverNames = ['postgres', 'mysql'] as const
export type ServerName = (typeof serverNames)[number]

/** What the runner is told when the servers are up. */
export type StartedServers = Readonly<Record<ServerName, ServerAddress | MissingServer>>

/** From the servers' process to the runner, once. */
export type ServersMessage = { readonly started: StartedServers } | { readonly failed: string }

/** From the runner: the run ended as it should, so that nothing is to be swept up behind it. */
export const endOfRun = 'end of run'

/** Set to the run's id in the runner's environment, so inherited by all that the tests start. */
export const runVariable = 'MILLRACE_TEST_RUN'
