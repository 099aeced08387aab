import { openNativeDatabase } from '@millrace/drivers/native/open'
import type { Database } from '@millrace/db/store/database'
import { targetOf } from '../database.ts'
import type { DialectName, TestDatabase } from '../dialects.ts'
import { migratedDatabase } from '../templates.ts'

/** Migrated databases that are opened as commands open them that move rows. */
export class NativeDatabases {
  /** In the order in which they were opened, by another connection. */
  readonly raw: TestDatabase[] = []
  readonly #opened: Database[] = []

  async open(dialect: DialectName, file: { readonly onlyReads?: boolean } = {}): Promise<Database> {
    const made = await migratedDatabase(dialect)
    const database = await openNativeDatabase({ target: targetOf(made.url), file: { ...file, movesRows: true } })
    this.raw.push(made)
    this.#opened.push(database)
    return database
  }

  async drop(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((database) => database.close()))
    await Promise.all(this.raw.splice(0).map((database) => database.drop()))
  }
}
