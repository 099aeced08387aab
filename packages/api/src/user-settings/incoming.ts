import {
  pointerTo,
  replaceSecrets,
  secretMember,
  type DataNode,
  type DataObject,
  type SealedSecret,
} from './data-tree.ts'
import { isSecretName } from './secret-names.ts'
import { isString, textOf } from './stored.ts'

export interface DataProblem {
  readonly pointer: string
  readonly message: string
}

/** Where the secrets of what a caller sent come from. */
export interface SecretSource {
  /** A name for a secret that is sent in plain text. */
  newRef(): string
  /** The secret of that ref, if it is the caller's. */
  kept(ref: string): SealedSecret | undefined
}

/** A tree that a caller sent. Its secrets in `fresh` are not sealed yet, and have nothing but their ref. */
export interface TakenData {
  readonly ok: true
  readonly tree: DataNode
  /** Plain texts by ref. */
  readonly fresh: ReadonlyMap<string, string>
}

/**
 * Reads the secrets out of a tree that a caller sent: `{ "$secret": "plain text" }`, `{ "$secret": { "hint", "ref" } }`,
 * and plain strings under a key whose name says that they are secret.
 * @returns the tree with secrets, or what is wrong, by pointers that begin with `pointer`.
 */
export function takeSecrets(
  tree: DataNode,
  source: SecretSource,
  pointer: string,
): TakenData | { readonly ok: false; readonly problems: readonly DataProblem[] } {
  const problems: DataProblem[] = []
  const fresh = new Map<string, string>()
  const taken = takeNode(tree, { source, problems, fresh }, pointer, false)
  return problems.length === 0 ? { ok: true, tree: taken, fresh } : { ok: false, problems }
}

/** The tree with its fresh secrets sealed. */
export async function sealFresh(
  tree: DataNode,
  fresh: ReadonlyMap<string, string>,
  seal: (ref: string, plainText: string) => Promise<SealedSecret>,
): Promise<DataNode> {
  const sealed = await Promise.all(Array.from(fresh, ([ref, plainText]) => seal(ref, plainText)))
  const byRef = new Map(sealed.map((secret) => [secret.ref, secret]))
  return replaceSecrets(tree, (secret) => ({ kind: 'secret', secret: byRef.get(secret.ref) ?? secret }))
}

/** Whether a secret is sent back by its ref somewhere: what it means depends on what is stored. */
export function hasRefs(node: DataNode): boolean {
  switch (node.kind) {
    case 'scalar':
    case 'secret':
      return false
    case 'array':
      return node.items.some(hasRefs)
    case 'object':
      return node.members.get(secretMember)?.kind === 'object' || [...node.members.values()].some(hasRefs)
  }
}

interface Taking {
  readonly source: SecretSource
  readonly problems: DataProblem[]
  readonly fresh: Map<string, string>
}

function takeNode(node: DataNode, taking: Taking, pointer: string, isSecret: boolean): DataNode {
  switch (node.kind) {
    case 'secret':
      return node
    case 'scalar': {
      const text = isSecret && isString(node) ? textOf(node) : undefined
      return text === undefined ? node : takeFresh(text, taking)
    }
    case 'array': {
      const items = node.items.map((item, index) => takeNode(item, taking, pointerTo(pointer, index), isSecret))
      return { kind: 'array', items }
    }
    case 'object':
      return node.members.has(secretMember) ? takeMarked(node, taking, pointer) : takeMembers(node, taking, pointer)
  }
}

function takeMembers({ members }: DataObject, taking: Taking, pointer: string): DataNode {
  const taken = new Map<string, DataNode>()
  for (const [key, value] of members) {
    taken.set(key, takeNode(value, taking, pointerTo(pointer, key), isSecretName(key)))
  }
  return { kind: 'object', members: taken }
}

function takeMarked(node: DataObject, taking: Taking, pointer: string): DataNode {
  const { problems, source } = taking
  for (const key of node.members.keys()) {
    if (key !== secretMember) {
      problems.push({ pointer: pointerTo(pointer, key), message: 'is not allowed beside $secret' })
    }
  }
  const marked = node.members.get(secretMember)
  const plainText = textOf(marked)
  if (plainText !== undefined) return takeFresh(plainText, taking)
  const ref = marked?.kind === 'object' ? refOf(marked) : undefined
  const kept = ref === undefined ? undefined : source.kept(ref)
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

function takeFresh(plainText: string, { source, fresh }: Taking): DataNode {
  const ref = source.newRef()
  fresh.set(ref, plainText)
  return { kind: 'secret', secret: { ref, hint: '', sealed: '', plainBytes: plainBytesOf(plainText) } }
}

/** Of exactly `{ hint, ref }`, as it was answered; the hint may be left out. */
function refOf({ members }: DataObject): string | undefined {
  const isKnown = [...members.keys()].every((key) => key === 'ref' || key === 'hint')
  return isKnown ? textOf(members.get('ref')) : undefined
}

/** Of the plain text as a JSON string, in UTF-8. */
function plainBytesOf(plainText: string): number {
  return new TextEncoder().encode(JSON.stringify(plainText)).length
}
