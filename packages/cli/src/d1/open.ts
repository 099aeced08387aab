import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bindingClient } from '@millrace/drivers/d1/binding'
import { isD1Binding, type D1Client } from '@millrace/drivers/d1/client'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { d1Configuration, localD1 } from '../wrangler-configuration.ts'
import { loadWrangler } from '../wrangler-program.ts'
import { readAccount } from './account.ts'
import { defaultStateDirectory, wranglerState, type D1Target } from './state.ts'

export interface OpenedD1 {
  readonly client: D1Client
  readonly close: () => Promise<void>
}

/**
 * A D1 database for a command: the deployed one by Cloudflare's API where its id is given, else the local one that
 * `millrace dev` serves.
 */
export async function openD1(
  context: Context,
  target: D1Target,
  stateDirectory: string = join(context.directories.caller, defaultStateDirectory),
): Promise<OpenedD1> {
  if (target.databaseId === undefined) return openLocal(target, stateDirectory)
  const { httpClient } = await import('@millrace/drivers/d1/http')
  return {
    client: httpClient({ ...readAccount(context), databaseId: target.databaseId }),
    close: () => Promise.resolve(),
  }
}

/** By wrangler itself, in a process of its own: it alone knows how it keeps a database in files. */
async function openLocal({ binding }: D1Target, stateDirectory: string): Promise<OpenedD1> {
  const { getPlatformProxy } = await loadWrangler()
  const directory = mkdtempSync(join(tmpdir(), 'millrace-d1-'))
  const configPath = join(directory, 'wrangler.toml')
  writeFileSync(
    configPath,
    `name = "millrace"\ncompatibility_date = "2026-11-02"\n${d1Configuration(localD1(binding))}`,
  )
  const proxy = await getPlatformProxy({
    configPath,
    persist: { path: join(wranglerState(stateDirectory), 'v3') },
    remoteBindings: false,
  })
  const close = async () => {
    await proxy.dispose()
    rmSync(directory, { recursive: true, force: true })
  }
  const database = proxy.env[binding]
  if (isD1Binding(database)) return { client: bindingClient(database), close }
  await close()
  throw new Failure('database_unreachable', {
    what: 'The local D1 database cannot be opened.',
    why: `wrangler gives no D1 database for the binding ${binding}.`,
    fix: 'Update wrangler, or name the deployed database with d1://BINDING?id=DATABASE_ID.',
  })
}
