/** What is still to be done when the time for what is under way is over: to end sessions of the database. */
const closingSeconds = 2

/** Whether all of it ended in that time; what fails has ended. */
export async function endsWithin(seconds: number, work: readonly Promise<unknown>[]): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), seconds * 1000)
  })
  const ended = Promise.allSettled(work).then(() => true)
  const isEnded = await Promise.race([ended, late])
  clearTimeout(timer)
  return isEnded
}

/** Closes what has no limit of its own; the process ends without it where it takes too long. */
export async function closeSoon(close: () => Promise<void>): Promise<void> {
  await endsWithin(closingSeconds, [close()])
}
