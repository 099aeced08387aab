import { randomUUID } from 'node:crypto'
import { nameKey } from '@millrace/db/schema/names'
import { membersOfResponse, type Deployment } from '../deployment/deployment.ts'
import { Failure } from '../failure.ts'
import { isRecord } from '../json.ts'
import { printable } from '../printable.ts'
import { readAgain, type CheckedFile, type Imported, type ImportTarget } from './write.ts'

/** Below the API's default limit of a request body, with what JSON adds to the files. */
const deploymentChunkBytes = 900_000

/**
 * A deployment, as the user of the API key.
 * @param owner where it is given, it has to be that user
 */
export async function openDeploymentTarget(deployment: Deployment, owner: string | undefined): Promise<ImportTarget> {
  const user = await membersOfResponse(await deployment.ask({ path: '/v1/auth/me' }), deployment.host)
  const username = String(user['username'])
  const names = [username, String(user['email'])].map(nameKey)
  if (owner !== undefined && !names.includes(nameKey(owner))) throw otherOwner(deployment, username, owner)
  return {
    username,
    chunkBytes: deploymentChunkBytes,
    write: (files) => writeBatch(deployment, files),
  }
}

function otherOwner({ host }: Deployment, username: string, owner: string): Failure {
  return new Failure('forbidden', {
    what: `The workflows cannot be made for ${printable(owner)}.`,
    why: `The API key belongs to ${printable(username)} on ${host}, and what it creates belongs to its user.`,
    fix: `Use an API key of ${printable(owner)}, or leave --owner out.`,
  })
}

/** All or none. A repeated request is answered as the first one was. */
async function writeBatch(deployment: Deployment, files: readonly CheckedFile[]): Promise<readonly Imported[]> {
  const items = files.map((file) => `{"name":${JSON.stringify(file.name)},"definition":${readAgain(file)}}`)
  const post = { body: `{"items":[${items.join(',')}]}`, idempotencyKey: randomUUID() }
  const { items: made } = await membersOfResponse(await ask(deployment, files, post), deployment.host)
  if (!Array.isArray(made) || made.length !== files.length) throw incomplete(deployment)
  return files.map(({ source, name }, position) => {
    const workflow: unknown = made[position]
    if (!isRecord(workflow) || typeof workflow['id'] !== 'string') throw incomplete(deployment)
    return { file: source.shown, id: workflow['id'], name }
  })
}

async function ask(
  deployment: Deployment,
  files: readonly CheckedFile[],
  post: { readonly body: string; readonly idempotencyKey: string },
): Promise<Response> {
  try {
    return await deployment.ask({ path: '/v1/workflows/batch', post })
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'payload_too_large') throw error
    throw new Failure(error.code, {
      ...error.words,
      what: `${deployment.host} does not take a request as large as ${printable(files[0]?.source.shown ?? '')}.`,
    })
  }
}

function incomplete({ host }: Deployment): Failure {
  return new Failure('internal', {
    what: `${host} did not answer as millrace does.`,
    why: 'Its answer does not list the workflows that it was given.',
    fix: 'Look at what is there (GET /v1/workflows) before you import again.',
  })
}
