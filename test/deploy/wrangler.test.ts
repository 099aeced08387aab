import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { asRecord } from '../contract/answers.ts'
import { emptyDirectory, start } from '../cli/millrace.ts'
import { workspaceRoot } from '../workspace.ts'
import { startCloudflare } from './cloudflare.ts'

/** Plain wrangler in a clone, without `millrace dev` and `millrace deploy`: it works, or says in one line what is missing. */

// Each starts wrangler, and the machine may have other work.
vi.setConfig({ testTimeout: 240_000 })

const wrangler = join(workspaceRoot, 'node_modules/.bin/wrangler')
const quiet = { WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false', CI: '1' }

/** One line that names what is missing, in the answer to any path. */
async function expectMissingNamed(url: string): Promise<string> {
  const answer = await fetch(`${url}/readyz`)
  expect(answer.status).toBe(500)
  const detail = String(asRecord(await answer.json())['detail'])
  expect(detail).not.toContain('\n')
  expect(detail).toMatch(/^The service is not configured: .*DATABASE_URL.* is missing or wrong\./)
  expect(detail).toContain('AUTH_KEYS')
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  return detail
}

test('`wrangler dev` without settings says which are missing and where they go', async () => {
  const folder = emptyDirectory()
  const args = ['dev', '--port', '0', '--persist-to', folder, '--env-file', '/dev/null']
  const env = { ...quiet, WRANGLER_LOG_PATH: folder, WRANGLER_REGISTRY_PATH: join(folder, 'registry') }
  const running = start(wrangler, [...args, '--show-interactive-dev-session=false'], { cwd: workspaceRoot, env })
  const ready = /Ready on (http:\/\/\S+)/
  await vi.waitFor(
    () => {
      if (running.process.exitCode !== null) throw new Error(`wrangler ended: ${running.stderr()}${running.stdout()}`)
      expect(running.stdout()).toMatch(ready)
    },
    { timeout: 120_000, interval: 100 },
  )
  const detail = await expectMissingNamed(ready.exec(running.stdout())?.[1] ?? '')
  expect(detail).toContain('.dev.vars.example')
  expect(detail).toContain('millrace dev')
})

test('`wrangler deploy` without secrets uploads what says which settings are missing', async () => {
  const cloudflare = await startCloudflare({ gatewayUrl: 'http://127.0.0.1:1' })
  try {
    const folder = emptyDirectory()
    const env = { ...quiet, ...cloudflare.variables, WRANGLER_LOG_PATH: folder }
    const deployed = await start(wrangler, ['deploy', '--env', 'staging'], { cwd: workspaceRoot, env }).ended
    expect(deployed, deployed.stderr).toMatchObject({ exitCode: 0 })
    expect(cloudflare.uploads).toHaveLength(1)
    await expectMissingNamed(cloudflare.url)
  } finally {
    await cloudflare.close()
  }
})

test('the build in a clone without packages says in one line how to install them', async () => {
  const clone = emptyDirectory()
  mkdirSync(join(clone, 'functions'))
  copyFileSync(join(workspaceRoot, 'functions/build.js'), join(clone, 'functions/build.js'))
  const ended = await start(process.execPath, ['functions/build.js'], { cwd: clone }).ended
  expect(ended).toMatchObject({ exitCode: 1, stdout: '' })
  expect(ended.stderr).toBe(
    'The packages are not installed: run `npx -y pnpm@12 install` in the clone, and try again.\n',
  )
})
