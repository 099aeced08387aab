import type { DialectName } from '../dialects.ts'
import { addBystanders } from './bystanders.ts'
import { hookConnections } from './hooks.ts'
import type { Place } from './ground.ts'
import type { Theatre } from './run.ts'
import { openStage, type Between, type Stage } from './stage.ts'
import { makeWorld, type World } from './world.ts'

export interface OpenTheatre extends Theatre {
  close(): Promise<void>
}

export interface Scene {
  readonly between?: Between
  /** Adds to the world before it is kept. */
  readonly add?: (stage: Stage, world: World) => Promise<void>
  /** See {@link Theatre}. */
  readonly prepare?: (stage: Stage, world: World) => Promise<void>
}

/** Opens a database of the dialect and fills it with the world. */
export async function openTheatre(
  dialect: DialectName,
  place: Place,
  { between, add, prepare }: Scene = {},
): Promise<OpenTheatre> {
  const unhook = hookConnections()
  const stage = await openStage(dialect, place, between)
  try {
    const world = await makeWorld(stage)
    await addBystanders(stage, world)
    await add?.(stage, world)
    await stage.ground.keep()
    const baseline = { rows: await stage.ground.rows(), names: world.names }
    // Behind every time of the world, and before the minute in which the use of its keys would be noted again.
    const beginsAt = new Date(Date.now() + 20_000)
    return {
      stage,
      world,
      baseline,
      beginsAt,
      prepare: prepare && (() => prepare(stage, world)),
      async close() {
        await stage.close()
        unhook()
      },
    }
  } catch (error) {
    await stage.close()
    unhook()
    throw error
  }
}
