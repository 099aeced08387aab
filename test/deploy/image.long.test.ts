import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { claimablePort } from '@millrace/cli/ports'
import { expect, onTestFinished, test, vi } from 'vitest'
import { freshDatabase } from '../dialects.ts'
import { millrace } from '../cli/millrace.ts'
import { workspaceRoot } from '../workspace.ts'
import { healthCheck, imageUser, instructions, withDataIn } from './dockerfile.ts'

/** What the build's context holds by Dockerfile.dockerignore, of the files that git has. */
function copyContext(to: string): void {
  const ignore = readFileSync(join(workspaceRoot, 'deploy/Dockerfile.dockerignore'), 'utf8').split('\n')
  const included = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', ...included], {
    cwd: workspaceRoot,
    encoding: 'utf8',
  })
  for (const file of files.split('\n').filter((name) => name !== '' && !name.endsWith('.test.ts'))) {
    mkdirSync(dirname(join(to, file)), { recursive: true })
    cpSync(join(workspaceRoot, file), join(to, file))
  }
}

test("the Dockerfile's steps give a gateway that an ordinary user runs from files that it cannot change", async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-image-'))
  chmodSync(directory, 0o755)
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const app = join(directory, 'app')
  const data = join(directory, 'data')
  copyContext(app)
  for (const step of instructions('RUN')) {
    execFileSync('sh', ['-ec', withDataIn(data, step)], { cwd: app, stdio: 'pipe', env: { ...process.env, CI: '1' } })
  }
  const database = await freshDatabase('postgres')
  onTestFinished(() => database.drop())
  expect(await millrace(['migrate'], { cwd: directory, env: { DATABASE_URL: database.url } })).toMatchObject({
    exitCode: 0,
  })
  const [urlFile, tokenFile] = [join(data, 'url'), join(data, 'token')]
  writeFileSync(urlFile, `${database.url}\n`, { mode: 0o644 })
  writeFileSync(tokenFile, 'a-token-of-more-than-thirty-two-characters\n', { mode: 0o644 })

  const port = await claimablePort('127.0.0.1', 0, '--port')
  const [entrypoint = '[]'] = instructions('ENTRYPOINT')
  const [node = '', ...program] = JSON.parse(entrypoint.replaceAll('/app/', `${app}/`)) as string[]
  const command = instructions('CMD').at(-1) ?? '[]'
  const args = (JSON.parse(command) as string[]).map((arg) => (arg === '8789' ? String(port) : arg))
  const gateway = spawn(node, [...program, ...args, '--token-file', tokenFile], {
    cwd: data,
    ...imageUser,
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', DATABASE_URL_FILE: urlFile },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [gateway.stdout, gateway.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()))
  const ended = new Promise<number | null>((resolve) => gateway.once('close', resolve))
  onTestFinished(() => void gateway.kill('SIGKILL'))
  const isHealthy = (): boolean => {
    try {
      execFileSync(process.execPath, healthCheck(port), { stdio: 'pipe' })
      return true
    } catch {
      // Exits 1 while nothing listens.
      return false
    }
  }
  await vi.waitFor(() => expect(isHealthy(), said).toBe(true), { timeout: 30_000, interval: 200 })
  const status = (token: string) =>
    fetch(`http://127.0.0.1:${port}/status`, { headers: { 'X-Millrace-Gateway-Token': token } })
  expect((await status('another')).status).toBe(401)
  expect((await status('a-token-of-more-than-thirty-two-characters')).status).toBe(200)
  gateway.kill('SIGTERM')
  expect(await ended).toBe(143)
  expect(isHealthy()).toBe(false)
}, 180_000)
