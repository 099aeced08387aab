import { words } from '../../words.ts'

const types: Readonly<Record<string, string>> = words.audit.types

/** The closed list of the API, in the order of its page. */
export const auditTypes: readonly string[] = Object.keys(types)

export function typeWords(type: string): string {
  return types[type] ?? type
}
