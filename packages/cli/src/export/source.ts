import type { DocumentText } from '@millrace/db/document'
import type { ExportedDefinition, ExportedWorkflow } from '@millrace/db/repositories/workflows/export'
import { chooseDatabase, connectReady } from '../connection.ts'
import type { Context } from '../context.ts'
import { membersOfResponse, openDeployment, type Deployment } from '../deployment/deployment.ts'
import type { PlaceOptions } from '../deployment/options.ts'
import { Failure } from '../failure.ts'
import { isRecord } from '../json.ts'
import { printable } from '../printable.ts'

export interface Selection {
  /** A username or an email. */
  readonly owner: string | undefined
  readonly ids: readonly string[]
}

/** Where workflows are exported from. */
export interface ExportSource {
  /** @throws Failure `not_found` for an owner or an id that is not there */
  list(selection: Selection): Promise<readonly ExportedWorkflow[]>
  /** Undefined for one that was deleted meanwhile. */
  read(id: string): Promise<ExportedDefinition | undefined>
}

export async function openExportSource(context: Context, options: PlaceOptions): Promise<ExportSource> {
  if (options.url !== undefined) return deploymentSource(openDeployment(context, options.url))
  return databaseSource(context, options.database)
}

async function databaseSource(context: Context, databaseOption: string | undefined): Promise<ExportSource> {
  const chosen = chooseDatabase(context, databaseOption)
  const { database } = await connectReady(context, chosen, { onlyReads: true })
  const store = database.store()
  const workflows = await import('@millrace/db/repositories/workflows/export')
  return {
    async list({ owner, ids }) {
      const { findUser } = await import('../users.ts')
      const ownerId = owner === undefined ? undefined : (await findUser(store, owner)).id
      const found = await workflows.listForExport(store, { ownerId, ids: ids.length === 0 ? undefined : ids })
      refuseMissing(ids, found)
      return found
    },
    read: (id) => workflows.readForExport(store, id),
  }
}

function refuseMissing(ids: readonly string[], found: readonly ExportedWorkflow[]): void {
  const missing = ids.filter((id) => !found.some((workflow) => workflow.id === id))
  if (missing.length === 0) return
  throw new Failure('not_found', {
    what: `There is no workflow ${missing.map(printable).join(', ')}.`,
    why: 'No workflow, or none of that owner, has that id.',
    fix: 'Check --workflow and --owner.',
  })
}

/** What the key may list: its user's own workflows and those shared with it. */
function deploymentSource(deployment: Deployment): ExportSource {
  return {
    async list({ owner, ids }) {
      const ownerId = owner === undefined ? undefined : await findOwner(deployment, owner)
      const listed = ids.length === 0 ? await listAll(deployment) : await getEach(deployment, ids)
      const found = listed.filter((workflow) => ownerId === undefined || workflow.ownerId === ownerId)
      refuseMissing(ids, found)
      return found.map(({ id, name }) => ({ id, name }))
    },
    async read(id) {
      const answer = await getWorkflow(deployment, id)
      return answer && definitionIn(await answer.text(), deployment)
    },
  }
}

interface ListedWorkflow extends ExportedWorkflow {
  readonly ownerId: unknown
}

async function listAll({ host, ask }: Deployment): Promise<readonly ListedWorkflow[]> {
  const found: ListedWorkflow[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = await membersOfResponse(await ask({ path: `/v1/workflows?limit=100${after}` }), host)
    const { items, nextCursor } = page
    found.push(...(Array.isArray(items) ? items : []).flatMap(listedIn))
    cursor = typeof nextCursor === 'string' ? nextCursor : undefined
  }
  return found
}

function listedIn(item: unknown): readonly ListedWorkflow[] {
  if (!isRecord(item)) return []
  const { id, name, ownerId } = item
  return typeof id === 'string' && typeof name === 'string' ? [{ id, name, ownerId }] : []
}

async function getEach(deployment: Deployment, ids: readonly string[]): Promise<readonly ListedWorkflow[]> {
  const found: ListedWorkflow[] = []
  for (const id of ids) {
    const answer = await getWorkflow(deployment, id)
    if (answer !== undefined) found.push(...listedIn(await membersOfResponse(answer, deployment.host)))
  }
  return found
}

async function getWorkflow({ ask }: Deployment, id: string): Promise<Response | undefined> {
  try {
    return await ask({ path: `/v1/workflows/${encodeURIComponent(id)}` })
  } catch (error) {
    if (error instanceof Failure && error.code === 'not_found') return undefined
    throw error
  }
}

/** The user's own name is known to any key, others' names to an administrator's. */
async function findOwner({ host, ask }: Deployment, owner: string): Promise<unknown> {
  const { nameKey } = await import('@millrace/db/schema/names')
  const wanted = nameKey(owner)
  const isWanted = (user: unknown) =>
    isRecord(user) &&
    [user['username'], user['email']].some((name) => typeof name === 'string' && nameKey(name) === wanted)
  const self = await membersOfResponse(await ask({ path: '/v1/auth/me' }), host)
  if (isWanted(self)) return self['id']
  const { items } = await membersOfResponse(
    await ask({ path: `/v1/admin/users?limit=100&q=${encodeURIComponent(owner)}` }),
    host,
  )
  const found: unknown = Array.isArray(items) ? items.find(isWanted) : undefined
  if (isRecord(found)) return found['id']
  throw new Failure('not_found', {
    what: `There is no user ${printable(owner)}.`,
    why: `No username and no email on ${host} is that name, ignoring case.`,
    fix: 'Check --owner.',
  })
}

/** The exact text of the definition, as it stands in the answer. */
async function definitionIn(body: string, { host }: Deployment): Promise<ExportedDefinition> {
  const { scanBody } = await import('@millrace/db/document')
  const scanned = scanBody(body, new Set(['definition']))
  const definition: DocumentText | undefined = scanned.ok ? scanned.members.get('definition')?.document : undefined
  const versionNumber = scanned.ok ? scanned.members.get('versionNumber')?.value() : undefined
  if (definition !== undefined && typeof versionNumber === 'number') return { definition, versionNumber }
  throw new Failure('internal', {
    what: `${host} did not answer as millrace does.`,
    why: 'A workflow has no definition or no version number.',
    fix: 'Check --url, and that this millrace is not older than the deployment.',
  })
}
