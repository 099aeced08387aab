import type { NewSignal, Signal, SignalFilters } from '../contract.ts'
import { pathOf, read, readItems, type Ask, type CallOptions, type KeyedCallOptions } from '../exchange/asking.ts'
import { listed, type ListOptions } from '../exchange/pages.ts'

export interface NextSignal {
  readonly name: string
  /** Only a signal with a higher `seq`. */
  readonly after: number
}

export function createSignals(ask: Ask) {
  return {
    /** Sends a message to an execution that has not ended, and wakes it where it waits for this name. */
    async signal(id: string, signal: NewSignal, options?: KeyedCallOptions): Promise<{ readonly seq: number }> {
      const path = pathOf`/v1/executions/${id}/signals`
      return read<{ seq: number }>(await ask({ method: 'POST', path, body: signal, isKeyed: true }, options))
    },

    /** Oldest first. */
    signals: (id: string, wanted: SignalFilters & ListOptions = {}) =>
      listed<Signal>(ask, pathOf`/v1/executions/${id}/signals`, wanted),

    /** The first signal that fits, if there is one already. */
    async nextSignal(id: string, wanted: NextSignal, options?: CallOptions): Promise<Signal | undefined> {
      const path = pathOf`/v1/executions/${id}/signals`
      const [signal] = readItems<Signal>(await ask({ method: 'GET', path, query: { ...wanted, limit: 1 } }, options))
      return signal
    },
  }
}
