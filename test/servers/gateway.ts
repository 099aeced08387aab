/** A gateway in a process of its own, forked by test/service.ts; ends when the channel to its parent closes. */
import { parseDatabaseUrl } from '@millrace/db/url'
import { startGateway } from '@millrace/gateway'

const parsed = parseDatabaseUrl(process.env['DATABASE_URL'] ?? '')
if (!parsed.ok) throw new Error(parsed.error.what)
const gateway = await startGateway({ target: parsed.target })
process.once('disconnect', () => {
  void gateway.close().finally(() => process.exit())
})
process.send?.(gateway.url)
