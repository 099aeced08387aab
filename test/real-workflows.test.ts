import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scanBody } from '@millrace/db/document'
import { flowiseSamples } from '../scripts/flowise.ts'
import { emptyDirectory, millrace } from './cli/millrace.ts'
import { describeDialectsInTurn } from './dialects.ts'
import { pretendDev } from './pretended-dev.ts'
import { startService, type Service } from './service.ts'
import { workspaceRoot } from './workspace.ts'

const samples = flowiseSamples()
const password = 'correct horse battery'

describeDialectsInTurn((dialect) => {
  let service: Service

  beforeAll(async () => {
    service = await startService(dialect)
  })
  afterAll(() => service.stop())

  test(
    'the 64 definitions of flowise are imported by the command and come back over HTTP byte for byte',
    { timeout: 120_000 },
    async () => {
      expect(samples).toHaveLength(64)
      const database = ['--database', service.database.url]
      await succeed(['user', 'add', 'ada', '--email', 'ada@example.org', ...database], password)
      const folders = [...new Set(samples.map(({ path }) => dirname(path)))]
      const output = await succeed(['import', ...folders, '--owner', 'ada', '--json', ...database])
      const { imported, skipped } = JSON.parse(output) as {
        imported: { file: string; id: string; name: string }[]
        skipped: unknown[]
      }
      expect(skipped).toEqual([])
      expect(imported).toHaveLength(samples.length)

      const token = await logIn()
      const stored = await Promise.all(
        samples.map(({ path }) => {
          const id = imported.find(({ file }) => path.endsWith(file) || file.endsWith(path))?.id
          return definitionAt(`/v1/workflows/${id}`, token)
        }),
      )
      expect(digestOf(stored)).toBe(digestOf(samples.map(({ text }) => text)))
      const versions = await Promise.all(
        imported.map(({ id }) => definitionAt(`/v1/workflows/${id}/versions/1`, token)),
      )
      expect(digestOf(versions.toSorted())).toBe(digestOf(stored.toSorted()))
    },
  )

  test(
    'the demo finds the dev that runs, on whatever port, creates, reads, patches and lists them, and every digest agrees',
    { timeout: 120_000 },
    async () => {
      const url = service.urls[0] ?? ''
      const cwd = emptyDirectory()
      const dev = pretendDev(cwd, Number(new URL(url).port))
      try {
        const { stdout } = await promisify(execFile)(process.execPath, [join(workspaceRoot, 'scripts/demo.ts')], {
          env: { ...process.env, INIT_CWD: cwd },
        })
        expect(stdout).toMatch(new RegExp(`^64 workflow definitions.* into ${url}$`, 'm'))
        expect(stdout).toContain('All equal')
      } finally {
        dev.end()
      }
    },
  )

  async function logIn(): Promise<string> {
    const answer = await service.fetch('/v1/auth/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ username: 'ada', password }),
    })
    expect(answer.status).toBe(200)
    const { accessToken } = (await answer.json()) as { accessToken: string }
    return accessToken
  }

  /** The exact text of the answer's member `definition`. */
  async function definitionAt(path: string, token: string): Promise<string> {
    const answer = await service.fetch(path, { headers: { Authorization: `Bearer ${token}` } })
    expect(answer.status).toBe(200)
    const scanned = scanBody(await answer.text(), new Set(['definition']))
    return scanned.ok ? (scanned.members.get('definition')?.text ?? '') : ''
  }
})

async function succeed(args: readonly string[], input?: string): Promise<string> {
  const { exitCode, stdout, stderr } = await millrace(args, {
    cwd: workspaceRoot,
    ...(input === undefined ? {} : { input }),
  })
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 })
  return stdout
}

function digestOf(texts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}\n${text}`)
  return hash.digest('hex')
}
