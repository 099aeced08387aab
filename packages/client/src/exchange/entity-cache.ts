/** An answer, and the ETag by which it is asked for again. */
export interface Entity {
  readonly tag: string
  readonly text: string
}

/** The answers that one caller had, the last used ones. They are only shown after the API has said that they still hold. */
export interface EntityCache {
  get(path: string): Entity | undefined
  set(path: string, entity: Entity): void
  /** When another user logs in: an answer holds the permission of who asked. */
  clear(): void
}

export function createEntityCache(mostEntries: number): EntityCache {
  const entities = new Map<string, Entity>()
  return {
    get(path) {
      const entity = entities.get(path)
      if (entity !== undefined) touch(path, entity)
      return entity
    },
    set(path, entity) {
      if (mostEntries === 0) return
      touch(path, entity)
      const [oldest] = entities.keys()
      if (entities.size > mostEntries && oldest !== undefined) entities.delete(oldest)
    },
    clear: () => entities.clear(),
  }

  function touch(path: string, entity: Entity): void {
    entities.delete(path)
    entities.set(path, entity)
  }
}
