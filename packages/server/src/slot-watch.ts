interface Watching {
  readonly clock: () => Date
  /** Told when another slot than the last one is the newest. */
  readonly begin: (slot: Date) => void
}

/** The last slot of a job up to that moment. */
export type SlotAt = (at: Date) => Date

const minuteMilliseconds = 60_000

/**
 * Tells each slot when it begins. The clock is looked at every minute at least: a timer of hours would be late by all the
 * time that the machine slept, and would know nothing of a clock that was set. Of several slots that passed meanwhile it
 * tells the newest.
 */
export function watchSlots(slotAt: SlotAt, { clock, begin }: Watching): { stop(): void } {
  let last = slotAt(clock()).getTime()
  let timer: NodeJS.Timeout | undefined
  function look(): void {
    const now = clock()
    const slot = slotAt(now)
    if (slot.getTime() !== last) begin(slot)
    last = slot.getTime()
    timer = setTimeout(look, millisecondsToLook(slotAt, now))
  }
  look()
  return { stop: () => clearTimeout(timer) }
}

/** Until the next slot, or a minute. */
function millisecondsToLook(slotAt: SlotAt, now: Date): number {
  const next = slotAt(new Date(now.getTime() + minuteMilliseconds)).getTime()
  return next > now.getTime() ? Math.max(1, next - now.getTime()) : minuteMilliseconds
}
