import { createApp } from '@millrace/api/app'
import { parseSettings } from '@millrace/api/settings'
import { newServiceSecrets } from '@millrace/cli/secrets'
import type { Database } from '@millrace/db/store/database'
import { openDatabase } from '@millrace/drivers/open'
import { startGateway } from '@millrace/gateway'
import { archiveOf, verified } from '../archive/archives.ts'
import { targetOf } from '../database.ts'
import type { TestDatabase } from '../dialects.ts'

/** A database that is there, served by the API's own code in this process. */
export async function reachOf(target: TestDatabase, keys: Readonly<Record<string, string>>) {
  const { database, stop } = await open(target)
  const settings = parseSettings({ DATABASE_URL: 'sqlite:///./any.db', ...newServiceSecrets(), ...keys }, {})
  if (!settings.ok) throw new Error('the settings are wrong')
  const app = createApp({ settings: settings.settings, database, log: () => undefined })
  return { fetch: async (path: string, init?: RequestInit) => app.request(path, init), stop }
}

/** The digests that its own backup has, whole and verified. */
export async function verifiedTables(target: TestDatabase): Promise<Readonly<Record<string, string>>> {
  const { database, stop } = await open(target)
  try {
    const verdict = await verified(await archiveOf(database))
    if (!verdict.isWhole) throw new Error(verdict.problems.map(({ what }) => what).join('; '))
    return Object.fromEntries(Object.entries(verdict.archive.tables).map(([name, { sha256 }]) => [name, sha256]))
  } finally {
    await stop()
  }
}

async function open({
  url,
}: TestDatabase): Promise<{ readonly database: Database; readonly stop: () => Promise<void> }> {
  const target = targetOf(url)
  const gateway = await startGateway({ target })
  return { database: await openDatabase({ target, gatewayUrl: gateway.url }), stop: () => gateway.close() }
}
