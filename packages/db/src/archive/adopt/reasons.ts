/** Why a row of a foreign database can't be imported. The list is closed (docs/contract/cli.md); a position is a bit of a mask. */
export const refusalReasons = [
  'parent_missing',
  'parent_quarantined',
  'name_conflict',
  'email_conflict',
  'duplicate_share',
  'duplicate_version',
  'duplicate_settings',
  'invalid_document',
  'invalid_time',
  'unknown_status',
  'unknown_permission',
  'invalid_id',
  'too_long',
  'null_required',
] as const

export type RefusalReason = (typeof refusalReasons)[number]

export function bitOf(reason: RefusalReason): number {
  return 1 << refusalReasons.indexOf(reason)
}

export function reasonsIn(mask: number): readonly RefusalReason[] {
  return refusalReasons.filter((reason) => (mask & bitOf(reason)) !== 0)
}
