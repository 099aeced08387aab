import type { DocumentText } from '@millrace/db/document'
import { recordReveal } from '@millrace/db/repositories/settings/reveals'
import * as settings from '@millrace/db/repositories/settings/settings'
import type { StoredSettings } from '@millrace/db/repositories/settings/settings'
import { randomBase64url } from '../base64url.ts'
import { newId } from '../ids.ts'
import type { IfRevision } from './if-revision.ts'
import { done, refuse, type Refused, type Result } from '../result.ts'
import {
  containerBeyond,
  nodeAt,
  parseData,
  parsePointer,
  plainBytesOf,
  secretsIn,
  type DataNode,
  type SealedSecret,
} from '../user-settings/data-tree.ts'
import { hasRefs, sealFresh, takeSecrets } from '../user-settings/incoming.ts'
import { mergePatch } from '../user-settings/merge.ts'
import { createSecretSealer } from '../user-settings/sealing.ts'
import { parseStored, writeStored } from '../user-settings/stored.ts'
import type { Context, UserContext } from './context.ts'
import { checkCaller } from './standing.ts'

/** A user's settings, with secrets that are named but not shown. */
export interface SettingsView extends Omit<StoredSettings, 'data'> {
  readonly data: DataNode
}

const mostBytes = 1_048_576
/** A sealed secret is a hundred times as long as the shortest plain one. */
const mostSecrets = 10_000
const deepestNesting = 64
const refBytes = 16

/** The caller's own settings; `{}` at revision 0 when they were never written. */
export async function getSettings({ store, caller }: UserContext): Promise<Result<SettingsView>> {
  const outcome = await settings.getSettings(store, caller)
  return outcome.ok ? done(viewOf(outcome.value)) : outcome
}

/** Replaces the caller's settings. */
export async function putSettings(
  context: UserContext,
  data: DocumentText,
  ifRevision: IfRevision,
): Promise<Result<SettingsView>> {
  const { store, caller } = context
  const tree = parseData(data)
  if (hasRefs(tree)) {
    return changeSettings(context, ifRevision, (before) => {
      const taken = takeData(tree, before, '/data')
      return taken.ok ? (tooLarge(taken.value.tree) ?? taken) : taken
    })
  }
  const taken = takeData(tree, undefined, '/data')
  // Who may not write at all is told that before what it sent is judged.
  if (!taken.ok) return (await checkCaller(context)) ?? taken
  const tooMuch = tooLarge(taken.value.tree)
  if (tooMuch !== undefined) return (await checkCaller(context)) ?? tooMuch
  const write = { ...writeAt(context), data: await sealedText(context, caller.userId, taken.value) }
  const outcome = await settings.putSettings(store, caller, ifRevision, write)
  return outcome.ok ? done(viewOf(outcome.value)) : refuse(outcome.refusal)
}

/** Merges a patch (RFC 7396) into the caller's settings. */
export async function patchSettings(
  context: UserContext,
  patch: DocumentText,
  ifRevision: IfRevision,
): Promise<Result<SettingsView>> {
  const tree = parseData(patch)
  return changeSettings(context, ifRevision, (before) => {
    const taken = takeData(tree, before, '')
    if (!taken.ok) return taken
    const merged = mergePatch(before, taken.value.tree)
    return tooLarge(merged) ?? done({ tree: merged, fresh: taken.value.fresh })
  })
}

/** The plain text of a secret of the caller's settings. Each use is logged, and is an audit event, before it is answered. */
export async function revealSecret(context: UserContext, pointer: string): Promise<Result<string>> {
  const { store, caller, clock, log, origin } = context
  const found = await getSettings(context)
  if (!found.ok) return found
  const node = nodeAt(found.value.data, parsePointer(pointer) ?? [])
  if (node === undefined) return refuse('not_found', { detail: 'Nothing in the settings is at this pointer.' })
  if (node.kind !== 'secret') {
    return refuse('validation_failed', { errors: [{ pointer: '/pointer', message: 'does not lead to a secret' }] })
  }
  const { userId } = caller
  const at = clock()
  const reveal = { id: newId(at), at, pointer, ref: node.secret.ref }
  const recorded = await recordReveal(store, caller, reveal)
  if (!recorded.ok) return recorded
  const value = await createSecretSealer(context.settings.settingsKeys).open(userId, node.secret)
  log({ level: 'info', event: 'secret_revealed', requestId: origin.requestId, userId, ref: node.secret.ref })
  return done(value)
}

/** What is to be stored, before its fresh secrets are sealed. */
interface Taken {
  readonly tree: DataNode
  readonly fresh: ReadonlyMap<string, string>
}

async function changeSettings(
  context: UserContext,
  ifRevision: IfRevision,
  change: (before: DataNode) => Result<Taken>,
): Promise<Result<SettingsView>> {
  const { store, caller } = context
  let refused: Refused | undefined
  const outcome = await settings.changeSettings(store, caller, ifRevision, async (before) => {
    const changed = change(viewOf(before).data)
    if (!changed.ok) {
      refused = changed
      return { ok: false, refusal: 'refused' }
    }
    return done({ ...writeAt(context), data: await sealedText(context, caller.userId, changed.value) })
  })
  if (outcome.ok) return done(viewOf(outcome.value))
  return outcome.refusal === 'refused' ? (refused ?? refuse('validation_failed')) : refuse(outcome.refusal)
}

/** Reads what a caller sent; what it keeps by ref is looked for in what is stored. */
function takeData(tree: DataNode, before: DataNode | undefined, pointer: string): Result<Taken> {
  const known = new Map((before === undefined ? [] : secretsIn(before)).map((secret) => [secret.ref, secret]))
  const taken = takeSecrets(tree, { newRef, kept: (ref) => known.get(ref) }, pointer)
  if (!taken.ok) return refuse('validation_failed', { errors: taken.problems })
  if (taken.tree.kind !== 'object') {
    return refuse('validation_failed', { errors: [{ pointer, message: 'must be a JSON object and not a secret' }] })
  }
  const beyond = containerBeyond(taken.tree, deepestNesting, pointer)
  if (beyond !== undefined) {
    const message = `must not be nested deeper than ${deepestNesting} containers`
    return refuse('invalid_json_document', { errors: [{ pointer: beyond, message }] })
  }
  return done(taken)
}

function tooLarge(tree: DataNode): Refused | undefined {
  if (plainBytesOf(tree) > mostBytes) {
    return refuse('payload_too_large', { detail: `The settings' data may have ${mostBytes} bytes.` })
  }
  if (secretsIn(tree).length > mostSecrets) {
    return refuse('payload_too_large', { detail: `The settings' data may hold ${mostSecrets} secrets.` })
  }
  return undefined
}

function newRef(): string {
  return randomBase64url(refBytes)
}

function writeAt({ clock }: Context) {
  const at = clock()
  return { id: newId(at), operation: newId(at), at }
}

async function sealedText({ settings: { settingsKeys } }: Context, userId: string, { tree, fresh }: Taken) {
  const sealer = createSecretSealer(settingsKeys)
  const seal = (ref: string, plainText: string): Promise<SealedSecret> => sealer.seal(userId, ref, plainText)
  return writeStored(await sealFresh(tree, fresh, seal))
}

function viewOf({ data, ...rest }: StoredSettings): SettingsView {
  return { data: data === undefined ? { kind: 'object', members: new Map() } : parseStored(data), ...rest }
}
