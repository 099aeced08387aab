import { parseJson, toJson, type Handler } from '@millrace/client'
import type { Shop } from './shop.ts'

interface Order {
  readonly article: string
  readonly amount: number
}

interface Approval {
  readonly isApproved: boolean
}

/**
 * Works an order: reserves the goods, charges the card, waits for a person's approval, then ships and tells the customer,
 * or gives the money back. Whatever moment a worker dies at, another one goes on behind the last step that is recorded.
 */
export function workOrder(shop: Shop): Handler {
  return async ({ input }, run) => {
    // What programs of this shop have written: a real one would check it.
    const order = parseJson(input) as Order
    const reservation = await run.step('reserve', (acting) => shop.reserve(order.article, acting))
    const receipt = await run.step('charge', (acting) => shop.charge(order.amount, acting), { timeoutSeconds: 30 })
    const { payload } = await run.waitFor('approval', { timeout: '7d' })
    const { isApproved } = parseJson(payload) as Approval
    if (!isApproved) {
      const refund = await run.step('refund', (acting) => shop.refund(receipt, acting))
      return { status: 'completed', state: toJson({ reservation, receipt, refund }) }
    }
    const [parcel] = await run.all([
      () => run.step('ship', (acting) => shop.ship(reservation, acting)),
      () => run.step('notify', (acting) => shop.notify(receipt, acting)),
    ])
    return { status: 'completed', state: toJson({ reservation, receipt, parcel }) }
  }
}
