import { appendFileSync } from 'node:fs'
import type { Acting } from '@millrace/client'

/** The world outside. Each call does its thing once for each idempotency key, as payment services do. */
export interface Shop {
  reserve(article: string, acting: Acting): Promise<string>
  charge(amount: number, acting: Acting): Promise<string>
  ship(reservation: string, acting: Acting): Promise<string>
  notify(receipt: string, acting: Acting): Promise<string>
  refund(receipt: string, acting: Acting): Promise<string>
}

/** One call of the shop, as its ledger keeps it. */
export interface LedgerLine {
  readonly idempotencyKey: string
  readonly worker: string
  readonly at: string
}

export interface ShopOptions {
  readonly worker: string
  /** A file that all workers append to: who called what. */
  readonly ledger: string
  readonly actMilliseconds: number
  /** Told before and after each act: where a worker may be made to die. */
  readonly onPoint: (point: string) => void
}

/** A shop that writes down who called it, so that anyone can count what was done how often. */
export function openShop({ worker, ledger, actMilliseconds, onPoint }: ShopOptions): Shop {
  async function act(name: string, { idempotencyKey, signal }: Acting, result: string): Promise<string> {
    onPoint(`before ${name}`)
    const line: LedgerLine = { idempotencyKey, worker, at: new Date().toISOString() }
    appendFileSync(ledger, `${JSON.stringify(line)}\n`)
    await new Promise((resolve) => setTimeout(resolve, actMilliseconds))
    signal.throwIfAborted()
    onPoint(`after ${name}`)
    return `${name} ${result}`
  }
  return {
    reserve: (article, acting) => act('reserve', acting, article),
    charge: (amount, acting) => act('charge', acting, amount.toFixed(2)),
    ship: (reservation, acting) => act('ship', acting, reservation),
    notify: (receipt, acting) => act('notify', acting, receipt),
    refund: (receipt, acting) => act('refund', acting, receipt),
  }
}
