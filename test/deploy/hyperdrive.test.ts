import { join } from 'node:path'
import { refuseCaching } from '@millrace/cli/deploy/hyperdrive-caching'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { targetOf } from '../database.ts'
import { workspaceRoot } from '../workspace.ts'
import { startCloudflare, type Cloudflare } from './cloudflare.ts'

// Each asks by a process of wrangler's.
vi.setConfig({ testTimeout: 120_000 })

const ids = { cached: 'c'.repeat(32), uncached: 'd'.repeat(32) }
let cloudflare: Cloudflare
beforeAll(async () => {
  cloudflare = await startCloudflare({
    gatewayUrl: '',
    hyperdrives: { [ids.cached]: { disabled: false, max_age: 60 }, [ids.uncached]: { disabled: true } },
  })
  for (const [name, value] of Object.entries(cloudflare.variables)) vi.stubEnv(name, value)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await cloudflare.close()
})

function check(id: string) {
  const url = 'postgresql://u:p@db.example/workflows'
  const own = { url, givenBy: '--database', shownUrl: url, target: targetOf(url) }
  const notes: string[] = []
  const context = {
    output: {
      isJson: false,
      isColored: false,
      result: () => undefined,
      note: (text: string) => notes.push(text),
      noteOnce: (text: string) => notes.push(text),
      failure: () => undefined,
    },
    directories: { caller: workspaceRoot, workspace: workspaceRoot },
    lifetime: {
      interruption: new AbortController().signal,
      defer: () => undefined,
      endOnSecondSignal: () => undefined,
      end: () => undefined,
    },
    environment: () => ({}),
  }
  return refuseCaching(context, { config: join(workspaceRoot, 'wrangler.toml'), hyperdrive: { id, own } })
}

test('a Hyperdrive configuration that caches is refused, with the command that switches it off', async () => {
  await expect(check(ids.cached)).rejects.toMatchObject({
    code: 'settings_invalid',
    words: { fix: expect.stringContaining(`npx wrangler hyperdrive update ${ids.cached} --caching-disabled`) },
  })
})

test('one that does not is taken', async () => {
  await expect(check(ids.uncached)).resolves.toBeUndefined()
})

test('one that is not there is told in the words of wrangler', async () => {
  await expect(check('e'.repeat(32))).rejects.toMatchObject({
    words: {
      what: expect.stringContaining('wrangler hyperdrive ended with'),
      why: expect.stringContaining('no such configuration'),
    },
  })
})
