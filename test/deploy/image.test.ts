import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { emptyDirectory } from '../cli/millrace.ts'
import { healthCheck, imageUser, instructions, withDataIn } from './dockerfile.ts'

vi.setConfig({ testTimeout: 120_000 })

async function exitOf(program: string, args: readonly string[]): Promise<number | null> {
  const child = spawn(program, args, { stdio: 'ignore' })
  await once(child, 'close')
  return child.exitCode
}

/** The folder as the image has it: what a new volume takes over. */
async function dataFolder(): Promise<string> {
  const directory = emptyDirectory()
  chmodSync(directory, 0o755)
  const data = join(directory, 'data')
  const steps = instructions('RUN').filter((step) => /\s\/data\b/.test(step))
  for (const step of steps) expect(await exitOf('sh', ['-ec', withDataIn(data, step)])).toBe(0)
  return data
}

test("the image's user owns the folder of data, where nobody else reads", async () => {
  expect(instructions('WORKDIR').at(-1)).toBe('/data')
  expect(instructions('USER')).toEqual(['10001:10001'])
  const { uid, mode } = statSync(await dataFolder())
  expect(uid).toBe(imageUser.uid ?? process.getuid?.())
  expect((mode & 0o777).toString(8)).toBe('700')
})

test('serve migrates and answers in that folder as that user, and the health check fits it', async () => {
  const data = await dataFolder()
  const served = spawn(process.execPath, [inject('command'), 'serve', '--migrate', '--port', '0', '--json'], {
    cwd: data,
    ...imageUser,
    env: { PATH: process.env['PATH'], HOME: data, ...newServiceSecrets(), BACKUP_TO: `file://${data}/backups` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void served.kill('SIGKILL'))
  const ended = once(served, 'close')
  let said = ''
  served.stderr.on('data', (text: Buffer) => (said += text.toString()))
  let written = ''
  served.stdout.on('data', (text: Buffer) => (written += text.toString()))
  await vi.waitFor(() => expect(written, said).toContain('\n'), { timeout: 60_000, interval: 50 })
  const { url } = JSON.parse(written) as { url: string }
  const { port } = new URL(url)
  for (const name of ['workflows.db', 'backups']) expect(existsSync(join(data, name)), name).toBe(true)
  const check = healthCheck(Number(port))
  expect(await exitOf(process.execPath, check)).toBe(0)
  served.kill('SIGTERM')
  await ended
  expect(served.exitCode).toBe(143)
  expect(await exitOf(process.execPath, check)).toBe(1)
})
