import { DatabaseError } from '@millrace/db/sql/errors'
import { newId } from '@millrace/api/ids'
import type { Store } from '@millrace/db/store/store'
import { ofEverybody, type Write } from './write.ts'

export interface CommandInput {
  /** Of the audit event that the write records. */
  readonly eventId: string
  readonly at: Date
  readonly id: (name: string) => string
}

interface Command {
  readonly run: (store: Store, input: CommandInput) => Promise<unknown>
  readonly changes?: readonly string[]
  readonly reads?: readonly string[]
}

/** Writes below the routes: of the command line, and those that need a bucket. */
export function commands(described: Readonly<Record<string, Command>>): readonly Write[] {
  return Object.entries(described).map(([name, { run, changes = [], reads = [] }]) => ({
    name,
    changes,
    reads: [...reads, ...ofEverybody],
    async act(stage, world) {
      try {
        return await stage.work(({ store, clock }) => {
          const at = clock()
          return run(store, { eventId: newId(at), at, id: (label) => world.id(label) })
        })
      } catch (thrown) {
        // No command writes to a database into which others restore: it says so.
        if (!(thrown instanceof DatabaseError)) throw thrown
        return { status: 503, headers: new Headers(), body: thrown.fault }
      }
    },
  }))
}
