import { greatestCount } from '../fields.ts'
import type { IfRevision } from '../services/if-revision.ts'

/**
 * Reads an `If-Match` or `If-None-Match` header (RFC 9110, section 13.1): `*`, or a list of entity tags. The weak form
 * counts as the strong one. Undefined when it is malformed. Tags that are no revision are left out, since they match nothing.
 */
export function parseEntityTags(header: string): IfRevision | undefined {
  const tags = readEntityTags(header)
  if (tags === undefined || tags === 'any') return tags
  return tags.filter((tag) => /^(0|[1-9]\d{0,9})$/.test(tag) && Number(tag) <= greatestCount).map(Number)
}

/** The tags' opaque parts. */
function readEntityTags(header: string): readonly string[] | 'any' | undefined {
  if (header.trim() === '*') return 'any'
  const tag = /[\s,]*(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?=,|$)[\s,]*/y
  const tags: string[] = []
  let position = 0
  while (position < header.length) {
    tag.lastIndex = position
    const [whole, value] = tag.exec(header) ?? []
    if (whole === undefined || value === undefined) return undefined
    tags.push(value)
    position += whole.length
  }
  return position === 0 ? undefined : tags
}

export function entityTag(revision: number): string {
  return `"${revision}"`
}

/** Whether the caller's `If-None-Match` holds this entity tag: then the answer is 304. */
export function isNotModified(ifNoneMatch: string | null, tag: string | undefined): boolean {
  if (ifNoneMatch === null || tag === undefined) return false
  const known = readEntityTags(ifNoneMatch)
  return known === 'any' || (known?.some((value) => `"${value}"` === tag.replace(/^W\//, '')) ?? false)
}
