import { newSecrets } from '@millrace/cli/secrets'
import { expect, onTestFinished, test, vi } from 'vitest'
import { documentOf, emptyDirectory, millrace } from '../cli/millrace.ts'
import { startCloudflare, type Cloudflare } from './cloudflare.ts'

// Each command is a process of its own that starts wrangler, and the machine may have other work.
vi.setConfig({ testTimeout: 240_000 })

async function world(): Promise<{ cloudflare: Cloudflare; env: Readonly<Record<string, string>> }> {
  const cloudflare = await startCloudflare({ gatewayUrl: 'http://127.0.0.1:9' })
  onTestFinished(() => cloudflare.close())
  const { age: _age, ...keys } = await newSecrets()
  return {
    cloudflare,
    env: {
      ...cloudflare.variables,
      ...keys,
      DATABASE_URL: 'd1://DB',
      WRANGLER_LOG_PATH: emptyDirectory(),
      TMPDIR: emptyDirectory(),
    },
  }
}

const staging = ({ url }: Cloudflare) => ['deploy', '--env', 'staging', '--url', url, '--json']

test('from nothing to a working API with D1 in one command, and the next one finds what is there', async () => {
  const { cloudflare, env } = await world()
  const cwd = emptyDirectory()
  const rehearsed = await millrace([...staging(cloudflare), '--dry-run'], { cwd, env })
  expect(rehearsed, rehearsed.stdout).toMatchObject({ exitCode: 0 })
  expect(documentOf(rehearsed)).toMatchObject({
    pending: expect.arrayContaining([expect.stringMatching(/^0001_/)]),
    buckets: [{ name: 'millrace-backups-staging', state: 'missing' }],
  })
  expect([...cloudflare.d1.names, ...cloudflare.r2.names]).toEqual([])

  const deployed = await millrace(staging(cloudflare), { cwd, env })
  expect(deployed, deployed.stdout).toMatchObject({ exitCode: 0 })
  expect([...cloudflare.d1.names.values()]).toEqual(['millrace-staging'])
  const [id] = cloudflare.d1.names.keys()
  expect(cloudflare.uploads[0]?.bindings).toContainEqual(expect.objectContaining({ name: 'DB', type: 'd1', id }))
  expect(documentOf(deployed)).toMatchObject({
    applied: expect.arrayContaining([expect.stringMatching(/^0001_/)]),
    buckets: [{ name: 'millrace-backups-staging', state: 'created' }],
  })
  expect(cloudflare.uploads[0]?.bindings).toContainEqual(
    expect.objectContaining({ name: 'BACKUPS', type: 'r2_bucket', bucket_name: 'millrace-backups-staging' }),
  )
  expect((await fetch(`${cloudflare.url}/readyz`)).status).toBe(200)

  const again = await millrace(staging(cloudflare), { cwd, env })
  expect(again, again.stdout).toMatchObject({ exitCode: 0 })
  expect(documentOf(again)).toMatchObject({ applied: [], buckets: [{ state: 'found' }] })
  expect(cloudflare.d1.names.size).toBe(1)
  expect(cloudflare.r2.created).toEqual(['millrace-backups-staging'])

  // Commands reach the deployed one by its id.
  const remote = { ...env, DATABASE_URL: `d1://DB?id=${id}` }
  const status = await millrace(['migrate', 'status', '--json'], { cwd, env: remote })
  expect(documentOf(status)).toMatchObject({ pending: [] })
})

test('without an account or a token that opens it nothing is made, and the message says what is missing', async () => {
  const { cloudflare, env } = await world()
  const cwd = emptyDirectory()
  const { CLOUDFLARE_ACCOUNT_ID: _account, ...without } = env
  const missing = await millrace(staging(cloudflare), { cwd, env: without })
  expect(missing.exitCode).not.toBe(0)
  expect(missing.stdout).toContain('CLOUDFLARE_ACCOUNT_ID is not set')
  const refused = await millrace(staging(cloudflare), { cwd, env: { ...env, CLOUDFLARE_API_TOKEN: 'of-somebody' } })
  expect(refused.exitCode).not.toBe(0)
  expect(refused.stdout).toContain('401')
  expect(refused.stdout + refused.stderr).not.toContain('of-somebody')
  expect(cloudflare.d1.names.size + cloudflare.uploads.length).toBe(0)
})

test('in an account without R2 nothing is made, and the message says how to have it or to do without', async () => {
  const { cloudflare, env } = await world()
  cloudflare.r2.isEnabled = false
  const refused = await millrace(staging(cloudflare), { cwd: emptyDirectory(), env })
  expect(refused.exitCode).toBe(1)
  expect(documentOf(refused)).toMatchObject({
    error: {
      code: 'forbidden',
      what: expect.stringContaining('millrace-backups-staging. Nothing was changed.'),
      why: expect.stringContaining('Please enable R2 through the Cloudflare Dashboard.'),
      fix: expect.stringMatching(/Enable R2.*remove the r2_buckets entry/),
    },
  })
  expect(cloudflare.d1.names.size + cloudflare.uploads.length).toBe(0)
})

test('a token that may not see buckets deploys with one that is there', async () => {
  const { cloudflare, env } = await world()
  cloudflare.r2.isAllowed = false
  cloudflare.r2.names.add('millrace-backups-staging')
  const deployed = await millrace(staging(cloudflare), { cwd: emptyDirectory(), env })
  expect(deployed, deployed.stdout).toMatchObject({ exitCode: 0 })
  expect(deployed.stderr).toContain('Whether the R2 bucket millrace-backups-staging exists could not be seen.')
  expect(documentOf(deployed)).toMatchObject({ buckets: [{ state: 'unknown' }] })
})
