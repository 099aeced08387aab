/** Where all scheduled backups are in their bucket. */
export const backupsPrefix = 'backups/'

/** The name of a backup taken at that time, to the second: `2026-01-31T033000Z`. */
export function backupNameAt(at: Date): string {
  return `${at.toISOString().slice(0, 19).replaceAll(':', '')}Z`
}

const namePattern = /^(\d{4})-(\d{2})-(\d{2}T\d{6}Z)$/

/** The backup's key in the bucket, `backups/2026/01/31T033000Z.millrace`; undefined where no scheduled one has that name. */
export function keyOfBackup(name: string): string | undefined {
  const [, year, month, rest] = namePattern.exec(name) ?? []
  return rest === undefined ? undefined : `${backupsPrefix}${year}/${month}/${rest}.millrace`
}

const keyPattern = /^backups\/(\d{4})\/(\d{2})\/(\d{2}T\d{6}Z)\.millrace$/

/** The name of the backup that is there under a key; undefined for what is no backup. */
export function nameOfKey(key: string): string | undefined {
  const [, year, month, rest] = keyPattern.exec(key) ?? []
  const name = `${year}-${month}-${rest}`
  return rest !== undefined && timeOfName(name) !== undefined ? name : undefined
}

/** When a backup was taken, by its name. */
export function timeOfName(name: string): Date | undefined {
  const at = new Date(name.replace(/T(\d{2})(\d{2})(\d{2})Z$/, 'T$1:$2:$3.000Z'))
  return Number.isNaN(at.getTime()) ? undefined : at
}
