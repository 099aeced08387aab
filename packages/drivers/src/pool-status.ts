import type { PoolStatus } from '@millrace/db/sql/transport'
import { gatewayTokenHeader, poolStatusPath } from './gateway-wire.ts'
import type { Endpoint } from './trips.ts'

const timeoutMilliseconds = 2000

/** Asks the gateway for its pool; undefined where it does not say. */
export async function readPoolStatus({
  gatewayUrl,
  gatewayToken,
}: Pick<Endpoint, 'gatewayUrl' | 'gatewayToken'>): Promise<PoolStatus | undefined> {
  if (gatewayUrl === undefined) return undefined
  try {
    const answer = await fetch(new URL(poolStatusPath, gatewayUrl), {
      headers: gatewayToken === undefined ? {} : { [gatewayTokenHeader]: gatewayToken },
      signal: AbortSignal.timeout(timeoutMilliseconds),
    })
    return answer.ok ? poolStatusOf(await answer.json()) : undefined
  } catch (error) {
    // A gateway that can't be reached has no pool to report; requests report that themselves, by their own round trips.
    if (error instanceof Error) return undefined
    throw error
  }
}

function poolStatusOf(value: unknown): PoolStatus | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const counts: Readonly<Record<string, unknown>> = { ...value }
  const { size, checkedOut, overflow, waiting } = counts
  if (!isCount(size) || !isCount(checkedOut) || !isCount(overflow) || !isCount(waiting)) return undefined
  return { size, checkedOut, overflow, waiting }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
