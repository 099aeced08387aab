import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DialectName } from '../dialects.ts'
import { makeDataDirectory } from '../servers/data-directory.ts'
import { startServers } from '../servers/start.ts'
import type { Place } from './ground.ts'

/** What theatres stand on in a command of its own, outside a run of the tests. */
export interface OwnServers extends Place {
  /** Ends the servers and removes all that was written. */
  close(): Promise<void>
}

/** Starts the servers of those dialects alone. */
export async function startOwnServers(dialects: readonly DialectName[]): Promise<OwnServers> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-serial-'))
  const dataDirectory = makeDataDirectory(directory)
  // PostgreSQL runs as another user when this is root.
  for (const folder of [directory, dataDirectory]) chmodSync(folder, 0o711)
  const wanted = dialects.filter((dialect) => dialect !== 'sqlite')
  const servers = await startServers(directory, randomUUID(), dataDirectory, wanted)
  return {
    servers: servers.started,
    directory: dataDirectory,
    async close() {
      await servers.stop()
      for (const folder of [directory, dataDirectory]) rmSync(folder, { recursive: true, force: true })
    },
  }
}
