import type { Statement } from '@millrace/db/sql/statement'
import type { TripObserver } from '@millrace/db/sql/transport'

/** Tells the observer of one round trip of a driver that needs no HTTP for it. */
export async function observed<Result>(
  observer: TripObserver | undefined,
  statements: readonly Statement[],
  trip: () => Promise<Result>,
): Promise<Result> {
  if (observer === undefined) return trip()
  const startedAt = performance.now()
  try {
    return await trip()
  } finally {
    const text = statements.map((statement) => statement.text).join(';\n')
    observer.trip(performance.now() - startedAt, text, () =>
      statements.flatMap(({ parameters }) => parameters.map(kindOf)),
    )
  }
}

/** A parameter by its kind alone, never its value. */
export function kindOf(parameter: unknown): string {
  if (parameter === null) return 'null'
  return typeof parameter === 'string' ? 'text' : typeof parameter
}
