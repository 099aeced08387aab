import { parseJson, toJson, type Handler, type JsonText } from '@millrace/client'
import type { Shop } from './shop.ts'

interface Order {
  readonly article: string
  readonly amount: number
}

/**
 * Works an order: reserves the goods, charges the card, waits for a person's approval, then ships and tells the customer,
 * or gives the money back. Whatever moment a worker dies at, another one goes on behind the last step that is recorded.
 */
export function workOrder(shop: Shop): Handler {
  return async ({ input }, run) => {
    const order = orderIn(input)
    const reservation = await run.step('reserve', (acting) => shop.reserve(order.article, acting))
    const receipt = await run.step('charge', (acting) => shop.charge(order.amount, acting), { timeoutSeconds: 30 })
    const { payload } = await run.waitFor('approval', { timeout: '7d' })
    if (!isApproval(payload)) {
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

/** Whoever starts an execution chooses its input: what is no order fails at once, with the reason. */
function orderIn(input: JsonText): Order {
  const parsed = parseJson(input)
  const isOrder = typeof parsed === 'object' && parsed !== null && 'article' in parsed && 'amount' in parsed
  if (!isOrder || typeof parsed.article !== 'string' || typeof parsed.amount !== 'number') {
    throw new TypeError('The input is no order: it needs an article (text) and an amount (number).')
  }
  return { article: parsed.article, amount: parsed.amount }
}

function isApproval(payload: JsonText): boolean {
  const parsed = parseJson(payload)
  return typeof parsed === 'object' && parsed !== null && 'isApproved' in parsed && parsed.isApproved === true
}
