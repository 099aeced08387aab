import { onTestFinished } from 'vitest'
import type { Target } from '@millrace/db/url'
import type { DialectName } from '@millrace/db/sql/dialect'
import { startGateway, type Gateway, type GatewayLogEntry, type GatewayOptions } from '@millrace/gateway'
import { freshDatabase, type TestDatabase } from '../dialects.ts'
import { targetOf } from './target.ts'

export interface StartedGateway {
  readonly gateway: Gateway
  readonly target: Target
  readonly database: TestDatabase
  readonly log: readonly GatewayLogEntry[]
}

export type StartOptions = Omit<GatewayOptions, 'target' | 'log'> & {
  /** Options of the URL, such as `pool_size=1`. */
  readonly urlOptions?: string
  readonly database?: TestDatabase
}

/** A gateway on a database of its own, both gone when the test has finished. */
export async function startTestGateway(dialect: DialectName, options: StartOptions = {}): Promise<StartedGateway> {
  const { urlOptions, database: given, ...gatewayOptions } = options
  const database = given ?? (await freshDatabase(dialect))
  if (given === undefined) onTestFinished(() => database.drop())
  const target = targetOf(urlOptions === undefined ? database.url : `${database.url}?${urlOptions}`)
  const log: GatewayLogEntry[] = []
  const gateway = await startGateway({ target, ...gatewayOptions, log: (entry) => log.push(entry) })
  onTestFinished(() => gateway.close())
  return { gateway, target, database, log }
}

/** Waits until a condition holds, looking every few milliseconds. */
export async function until(holds: () => boolean | Promise<boolean>, seconds = 20): Promise<void> {
  const deadlineMs = performance.now() + seconds * 1000
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`The condition did not hold within ${seconds} s`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
