import { pointerTo, secretMember, type DataNode, type DataObject, type SealedSecret } from './data-tree.ts'
import { isSecretName } from './secret-names.ts'
import { isString, textOf } from './stored.ts'

export interface DataProblem {
  readonly pointer: string
  readonly message: string
}

/** How a secret that was sent becomes a node. */
export interface SecretTaker {
  /** A plain text that is to be sealed. */
  fresh(plainText: string): Promise<SealedSecret>
  /** The secret of that ref, if it is the caller's. */
  kept(ref: string): SealedSecret | undefined
}

/**
 * Reads the secrets out of a tree that a caller sent: `{ "$secret": "plain text" }`, `{ "$secret": { "hint", "ref" } }`,
 * and plain strings under a key whose name says that they are secret.
 * @returns the tree with sealed secrets, or what is wrong, by pointers that begin with `pointer`.
 */
export async function takeSecrets(
  tree: DataNode,
  taker: SecretTaker,
  pointer: string,
): Promise<
  { readonly ok: true; readonly tree: DataNode } | { readonly ok: false; readonly problems: readonly DataProblem[] }
> {
  const problems: DataProblem[] = []
  const taken = await takeNode(tree, { taker, problems }, pointer, false)
  return problems.length === 0 ? { ok: true, tree: taken } : { ok: false, problems }
}

interface Taking {
  readonly taker: SecretTaker
  readonly problems: DataProblem[]
}

async function takeNode(node: DataNode, taking: Taking, pointer: string, isSecret: boolean): Promise<DataNode> {
  switch (node.kind) {
    case 'secret':
      return node
    case 'scalar': {
      const text = isSecret && isString(node) ? textOf(node) : undefined
      return text === undefined ? node : { kind: 'secret', secret: await taking.taker.fresh(text) }
    }
    case 'array': {
      const items: DataNode[] = []
      for (const [index, item] of node.items.entries()) {
        items.push(await takeNode(item, taking, pointerTo(pointer, index), isSecret))
      }
      return { kind: 'array', items }
    }
    case 'object':
      return node.members.has(secretMember) ? takeMarked(node, taking, pointer) : takeMembers(node, taking, pointer)
  }
}

async function takeMembers({ members }: DataObject, taking: Taking, pointer: string): Promise<DataNode> {
  const taken = new Map<string, DataNode>()
  for (const [key, value] of members) {
    taken.set(key, await takeNode(value, taking, pointerTo(pointer, key), isSecretName(key)))
  }
  return { kind: 'object', members: taken }
}

async function takeMarked(node: DataObject, { taker, problems }: Taking, pointer: string): Promise<DataNode> {
  for (const key of node.members.keys()) {
    if (key !== secretMember)
      problems.push({ pointer: pointerTo(pointer, key), message: 'must not stand beside $secret' })
  }
  const marked = node.members.get(secretMember)
  const plainText = textOf(marked)
  if (plainText !== undefined) return { kind: 'secret', secret: await taker.fresh(plainText) }
  const ref = marked?.kind === 'object' ? refOf(marked) : undefined
  const kept = ref === undefined ? undefined : taker.kept(ref)
  if (kept !== undefined) return { kind: 'secret', secret: kept }
  problems.push({
    pointer: pointerTo(pointer, secretMember),
    message:
      ref === undefined
        ? 'must be the secret as a string, or the object with hint and ref that was answered for it'
        : 'names no secret of these settings',
  })
  return node
}

/** Of exactly `{ hint, ref }`, as it was answered; the hint may be left out. */
function refOf({ members }: DataObject): string | undefined {
  const isKnown = [...members.keys()].every((key) => key === 'ref' || key === 'hint')
  return isKnown ? textOf(members.get('ref')) : undefined
}
