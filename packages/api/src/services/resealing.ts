import { databaseError } from '@millrace/db/sql/errors'
import {
  eachSettings,
  readSettingsOf,
  resealSettings,
  type SealedSettings,
} from '@millrace/db/repositories/settings/resealing'
import type { Store } from '@millrace/db/store/store'
import { newId } from '../ids.ts'
import { replaceSecrets, secretsIn, type DataNode, type SealedSecret } from '../user-settings/data-tree.ts'
import type { SecretSealer } from '../user-settings/sealing.ts'
import { parseStored, writeStored } from '../user-settings/stored.ts'

/** What there is to reseal. */
export interface SecretsSurvey {
  readonly total: number
  /** Names of keys that secrets are sealed under and that the sealer lacks. */
  readonly missingKids: ReadonlySet<string>
}

/** Reads everyone's settings once: what can't be resealed is then known before anything is. */
export async function surveySecrets(store: Store, sealer: SecretSealer): Promise<SecretsSurvey> {
  const missingKids = new Set<string>()
  let total = 0
  for await (const page of eachSettings(store)) {
    for (const { data } of page) {
      const secrets = secretsIn(parseStored(data))
      total += secrets.length
      for (const secret of secrets) {
        const kid = sealer.missingKid(secret)
        if (kid !== undefined) missingKids.add(kid)
      }
    }
  }
  return { total, missingKids }
}

export interface Resealed {
  readonly resealed: number
  /** Secrets seen, those that were sealed under the first key already among them. */
  readonly total: number
}

/**
 * Reseals everyone's secrets under the sealer's first key, while they are read and written. What a run that broke off
 * has resealed is left as it is by the next.
 */
export async function resealSecrets(
  store: Store,
  sealer: SecretSealer,
  options: { readonly clock: () => Date; readonly signal: AbortSignal; readonly onSecrets: (count: number) => void },
): Promise<Resealed> {
  let resealed = 0
  let total = 0
  for await (const page of eachSettings(store)) {
    for (const settings of page) {
      options.signal.throwIfAborted()
      const done = await resealUser(store, sealer, settings, options.clock)
      resealed += done.resealed
      total += done.total
      options.onSecrets(done.total)
    }
  }
  return { resealed, total }
}

/** Each lost race is a write of the user's own that came through. */
const mostAttempts = 100

async function resealUser(
  store: Store,
  sealer: SecretSealer,
  read: SealedSettings,
  clock: () => Date,
): Promise<Resealed> {
  let current: SealedSettings | undefined = read
  for (let attempt = 0; attempt < mostAttempts && current !== undefined; attempt += 1) {
    const tree = parseStored(current.data)
    const secrets = secretsIn(tree)
    const stale = secrets.filter((secret) => !sealer.isCurrent(secret))
    if (stale.length === 0) return { resealed: 0, total: secrets.length }
    const data = writeStored(await resealTree(sealer, current.userId, tree, stale))
    const at = clock()
    const isDone = await resealSettings(store, current, { data, secrets: stale.length, operation: newId(at), at })
    if (isDone) return { resealed: stale.length, total: secrets.length }
    current = await readSettingsOf(store, read.userId)
  }
  if (current === undefined) return { resealed: 0, total: 0 }
  throw databaseError('database_busy', 'settings changed at each attempt to reseal their secrets', {
    isNotApplied: true,
  })
}

async function resealTree(
  sealer: SecretSealer,
  userId: string,
  tree: DataNode,
  stale: readonly SealedSecret[],
): Promise<DataNode> {
  const resealed = new Map<SealedSecret, SealedSecret>()
  for (const secret of stale) {
    resealed.set(secret, await sealer.seal(userId, secret.ref, await sealer.open(userId, secret)))
  }
  return replaceSecrets(tree, (secret) => ({ kind: 'secret', secret: resealed.get(secret) ?? secret }))
}
