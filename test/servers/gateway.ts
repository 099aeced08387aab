/** A gateway in a process of its own, forked by test/service.ts; ends when the channel to its parent closes. */
import { startGateway } from '@millrace/gateway'
import { targetOf } from '../database.ts'

const gateway = await startGateway({ target: targetOf(process.env['DATABASE_URL'] ?? '') })
process.once('disconnect', () => {
  void gateway.close().finally(() => process.exit())
})
process.send?.(gateway.url)
