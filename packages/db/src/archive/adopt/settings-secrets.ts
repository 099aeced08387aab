/** How secrets of settings are found and sealed, as the API does it. */
export interface SettingsSecrets {
  /** Whether settings hold secrets, or what the API would refuse as one (`unfit`). */
  survey(data: string): 'none' | 'some' | 'unfit'
  /** The text to store, with the secrets sealed; the same each time. Text without secrets stays as it is. */
  seal(userId: string, data: string): Promise<string>
}
