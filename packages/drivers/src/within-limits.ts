import type { Statement } from '@millrace/db/sql/statement'
import type { Connection, Transport, TransportLimits } from '@millrace/db/sql/transport'
import { notSent } from './not-sent.ts'

/**
 * Refuses what the driver can't send before any of it is sent. PostgreSQL's protocol counts parameters in 16 bits: the
 * server ends a connection whose count has wrapped around, which looks like a write that may have happened.
 */
export function withinLimits(connection: Connection): Connection {
  return { ...connection, transport: (observer) => limited(connection.transport(observer)) }
}

function limited(transport: Transport): Transport {
  const { limits } = transport
  const transactUnchecked = transport.transactUnchecked?.bind(transport)
  return {
    ...transport,
    run: (statement) => refused(limits, [statement]) ?? transport.run(statement),
    transact: (writes, reads) => refused(limits, writes, reads) ?? transport.transact(writes, reads),
    ...(transactUnchecked === undefined
      ? {}
      : { transactUnchecked: (writes) => refused(limits, writes) ?? transactUnchecked(writes) }),
  }
}

/** Undefined where nothing is refused. */
function refused(
  { maxParameters }: TransportLimits,
  ...batch: readonly (readonly Statement[])[]
): Promise<never> | undefined {
  for (const statements of batch) {
    for (const { parameters } of statements) {
      if (parameters.length > maxParameters)
        return Promise.reject(notSent(`${parameters.length} parameters, and the driver takes ${maxParameters}`))
    }
  }
  return undefined
}
