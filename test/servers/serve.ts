import { parseSettings } from '@millrace/api/settings'
import { readAssetsOf } from '@millrace/server/assets'
import { listen } from '@millrace/server/listen'
import { openService } from '@millrace/server/service'
import { openFolder } from '@millrace/server/bucket/folder'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { workspaceRoot } from '../workspace.ts'

export interface ServedInProcess {
  readonly url: string
  stop(): Promise<void>
}

/** The app as `millrace serve` runs it, in this process: on Node, with the database by a native driver. */
export async function serveInProcess(
  vars: Readonly<Record<string, string>>,
  onLine: (line: string) => void,
): Promise<ServedInProcess> {
  const parsed = parseSettings(vars, { needsAuthKeys: true, needsGateway: false })
  if (!parsed.ok) throw new Error(`the settings are wrong: ${JSON.stringify(parsed.problems)}`)
  const { settings } = parsed
  const ranks = ['debug', 'info', 'warn', 'error']
  const log = (entry: { readonly level: string; readonly event: string }) => {
    const isGraveEnough = ranks.indexOf(entry.level) >= ranks.indexOf(settings.logLevel)
    if (isGraveEnough || entry.event === 'secret_revealed') onLine(JSON.stringify(entry))
  }
  const readAsset = readAssetsOf(join(workspaceRoot, 'functions/assets'))
  const folder = mkdtempSync(join(inject('directory'), 'backups-'))
  const service = await openService({ settings, log, onConnection: log, readAsset, bucket: openFolder(folder) })
  const fetch = async (request: Request) => {
    // As the platform's own path for tests runs the schedule that takes the daily backup.
    if (new URL(request.url).pathname !== '/cdn-cgi/local/scheduled') return service.fetch(request)
    await service.backups?.run('schedule')
    return new Response('ok')
  }
  const listening = await listen(fetch, {
    host: '127.0.0.1',
    port: 0,
    // Suites come from many networks; in workerd too they say so by this header.
    addressOf: ({ headers, socket }) => String(headers['cf-connecting-ip'] ?? socket.remoteAddress),
  })
  return {
    url: `http://127.0.0.1:${listening.port}`,
    async stop() {
      await listening.close(5)
      await service.settled()
      await service.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
