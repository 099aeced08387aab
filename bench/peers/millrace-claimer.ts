/** One of the processes that bench/peers/millrace-claims.ts starts. Its argument is the database's URL. */
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { targetOf } from '../../test/database.ts'
import { claimAll, type Claiming } from './millrace-claims.ts'

const [url = ''] = process.argv.slice(2)
const database = await openNativeDatabase({ target: targetOf(url), log: () => undefined, sharesTrips: true })
const store = database.store()
process.on('message', (claiming: Claiming) => {
  void claimAll(store, claiming).then((taken) => process.send?.(taken))
})
process.once('disconnect', () => void database.close())
process.send?.('ready')
