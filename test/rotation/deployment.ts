import type { Miniflare } from 'miniflare'
import { inject } from 'vitest'
import type { TestDatabase } from '../dialects.ts'
import { runWorker } from '../servers/worker.ts'
import type { Service } from '../service.ts'

/**
 * A service whose variables are changed as a platform does it: a new version starts beside the old one, gets every
 * request from then on, and the old one ends when its last request is answered.
 */
export interface Deployment extends Service {
  deploy(variables: Readonly<Record<string, string>>): Promise<void>
}

interface Version {
  readonly worker: Miniflare
  readonly url: string
  readonly running: Set<Promise<unknown>>
}

export async function startDeployment(
  database: TestDatabase,
  variables: Readonly<Record<string, string>>,
): Promise<Deployment> {
  let vars = variables
  let current = await startVersion(vars)
  return {
    database,
    get urls() {
      return [current.url]
    },
    gatewayUrls: [],
    get vars() {
      return vars
    },
    logs: () => [],
    gatewayLogs: () => [],
    async fetch(path, init) {
      const { url, running } = current
      const answered = fetch(`${url}${path}`, init).then(async (response) => {
        // Read to its end: what is still being sent would be cut off with the old version.
        const body = await response.arrayBuffer()
        const { status, headers } = response
        return new Response(body.byteLength === 0 ? null : body, { status, headers })
      })
      running.add(answered)
      try {
        return await answered
      } finally {
        running.delete(answered)
      }
    },
    async deploy(changed) {
      vars = { ...vars, ...changed }
      const old = current
      current = await startVersion(vars)
      await end(old)
    },
    stop: () => end(current),
  }
}

async function startVersion(vars: Readonly<Record<string, string>>): Promise<Version> {
  const built = inject('worker')
  if ('failed' in built) throw new Error(built.failed)
  const worker = runWorker(built, vars)
  const { origin } = await worker.ready
  return { worker, url: origin, running: new Set() }
}

async function end({ worker, running }: Version): Promise<void> {
  await Promise.allSettled(running)
  await worker.dispose()
}
