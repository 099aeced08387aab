import cronstrue from 'cronstrue'

/** `0 6 * * 1-5` in words; the expression itself where it is none that can be read. */
export function cronWords(cron: string): string {
  try {
    return cronstrue.toString(cron, { use24HourTimeFormat: true, verbose: false })
  } catch {
    // Half typed, or refused by the API, which says why.
    return ''
  }
}
