/** Whether the time is one that every database keeps: in the years 1000 to 9999, which bound MySQL's `datetime`. */
export function isInKeptYears(time: Date): boolean {
  const year = time.getUTCFullYear()
  return year >= 1000 && year <= 9999
}
