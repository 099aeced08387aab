export { openDatabase, type Database, type DatabaseSettings } from './database.ts'
export { DatabaseError, type DatabaseFault } from './errors.ts'
export type { Store } from './store.ts'
export { parseDatabaseUrl, redactUrl, type Target } from './url.ts'
