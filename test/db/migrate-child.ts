/**
 * Migrates a database in a process of its own, gateway included, so that a test can kill it. Arguments: URL, lease in ms,
 * then `strict` for a server that refuses foreign keys, and the statement before which it kills itself.
 */
import { startGateway } from '@millrace/gateway'
import { readMigrations } from '@millrace/cli/migrations'
import { openDatabase } from '@millrace/drivers/open'
import { migrate } from '@millrace/db/migrate/migrate'
import { parseDatabaseUrl } from '@millrace/db/url'
import { workspaceRoot } from '../workspace.ts'

const [url = '', lease = '', mode = '', lastStatement = ''] = process.argv.slice(2)
const parsed = parseDatabaseUrl(url)
if (!parsed.ok) throw new Error(parsed.error.what)
const gateway = await startGateway({ target: parsed.target, strict: mode === 'strict' })
const database = await openDatabase({ target: parsed.target, gatewayUrl: gateway.url })
await migrate(database, readMigrations(workspaceRoot, parsed.target.dialect), {
  lockTiming: { leaseMilliseconds: Number(lease), renewalMilliseconds: Number(lease) / 6, pollMilliseconds: 50 },
  onProgress: (progress) => {
    process.send?.(progress)
    if (progress.step === 'applying' && String(progress.statement) === lastStatement)
      process.kill(process.pid, 'SIGKILL')
  },
})
await gateway.close()
process.disconnect()
