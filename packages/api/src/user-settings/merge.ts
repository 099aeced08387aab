import type { DataNode } from './data-tree.ts'

/**
 * Applies a JSON merge patch (RFC 7396). A member that is there keeps its place, new ones come last; a secret is a value
 * like a string, which a patch replaces whole.
 */
export function mergePatch(target: DataNode | undefined, patch: DataNode): DataNode {
  if (patch.kind !== 'object') return patch
  const members = new Map(target?.kind === 'object' ? target.members : [])
  for (const [key, value] of patch.members) {
    if (isNull(value)) members.delete(key)
    else members.set(key, mergePatch(members.get(key), value))
  }
  return { kind: 'object', members }
}

function isNull(node: DataNode): boolean {
  return node.kind === 'scalar' && node.text === 'null'
}
