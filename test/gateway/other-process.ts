/** Forked by libsql.test.ts: another process on the same file. */
import Database from 'libsql'
import { startGateway } from '@millrace/gateway'
import { targetOf } from './target.ts'

const [role, url = ''] = process.argv.slice(2)
const target = targetOf(url)
if (role === 'gateway') {
  const gateway = await startGateway({ target })
  process.send?.(gateway.url)
} else if (target.via === 'file') {
  const database = new Database(target.path, { timeout: 5000 })
  database.exec('begin immediate')
  process.send?.('locked')
  setInterval(() => database.inTransaction, 1000)
}
