import type { Answered, Stage } from './stage.ts'
import type { RequestOptions, Sender, World } from './world.ts'

/**
 * A write on the world, by a request or by a job of the service, and what it meets: the rows that it changes, and those that it reads to decide. Two
 * writes can meet where one changes what the other changes or reads.
 */
export interface Write {
  readonly name: string
  /** Who sends it; a job of the service's own has none. */
  readonly sender?: Sender
  readonly changes: readonly string[]
  readonly reads: readonly string[]
  /** Of a job that leaves what others hold to its next run: that one comes when all is done. */
  readonly isRunAgain?: boolean
  act(stage: Stage, world: World): Promise<Answered>
}

interface Described extends RequestOptions {
  readonly by: Sender
  readonly send: string
  readonly changes?: readonly string[]
  readonly reads?: readonly string[]
}

/** What every write reads: whether others restore into the database. */
export const ofEverybody: readonly string[] = ['restore mark']

/** What a sender's standing rests on. */
export const standing: Readonly<Record<Sender, readonly string[]>> = {
  alice: ['user alice', 'session alice'],
  'alice.second': ['user alice', 'session second'],
  'alice.key': ['user alice', 'key alice'],
  'alice.worker': ['user alice', 'key worker'],
  bob: ['user bob', 'share bob'],
  carol: ['user carol', 'share carol'],
  dave: ['user dave'],
  erin: ['user erin', 'share erin'],
  'erin.key': ['user erin', 'share erin', 'key erin'],
  root: ['user root', 'administrators'],
  'root.key': ['user root', 'administrators', 'key root'],
  admin: ['user admin', 'administrators'],
  nobody: [],
}

export function table(described: Readonly<Record<string, Described>>): readonly Write[] {
  return Object.entries(described).map(([name, { by, send, changes = [], reads = [], ...options }]) => {
    const [method = '', path = ''] = send.split(' ')
    return {
      name,
      sender: by,
      changes,
      reads: [...reads, ...standing[by], ...ofEverybody],
      act: (stage, world) => stage.send(world.request(by, method, path, options)),
    }
  })
}
