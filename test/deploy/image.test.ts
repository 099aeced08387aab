import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { claimablePort } from '@millrace/cli/ports'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { emptyDirectory } from '../cli/millrace.ts'
import { workspaceRoot } from '../workspace.ts'
import { isInContext } from './context.ts'
import { dataStep, healthCheck, imageUser, instructions, stepWith } from './dockerfile.ts'

/** What the Dockerfile's steps make of this checkout, run as the image's user; image.long.test.ts builds the image itself. */

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** The folder `/app` of the image. */
let app: string

beforeAll(() => {
  const home = mkdtempSync(join(tmpdir(), 'millrace-image-'))
  chmodSync(home, 0o755)
  app = join(home, 'app')
  const step = stepWith('node scripts/package-image.ts ', { '/app': app })
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` }
  // As whoever keeps files for themselves.
  execFileSync('sh', ['-ec', `umask 077; ${step}`], { cwd: workspaceRoot, stdio: 'pipe', env })
})
afterAll(() => {
  rmSync(dirname(app), { recursive: true, force: true })
})

/** Starts what the image starts, in a folder as that of its data. */
function start(args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}, input = '') {
  const [entrypoint = '[]'] = instructions('ENTRYPOINT')
  const [, ...program] = JSON.parse(entrypoint.replaceAll('/app/', `${app}/`)) as string[]
  const child = spawn(process.execPath, [...program, ...args], {
    cwd,
    ...imageUser,
    env: { PATH: process.env['PATH'], HOME: cwd, NODE_ENV: 'production', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.end(input)
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = { out: '', all: '' }
  child.stdout.on('data', (text: Buffer) => {
    said.out += text.toString()
    said.all += text.toString()
  })
  child.stderr.on('data', (text: Buffer) => {
    said.all += text.toString()
  })
  const ended = once(child, 'close').then(() => child.exitCode)
  return { child, said, ended }
}

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
  expect(await exitOf('sh', ['-ec', dataStep(data)])).toBe(0)
  return data
}

const filesIn = (folder: string) => readdirSync(folder, { recursive: true, withFileTypes: true })

test('all that is built of the workspace is in the context of the build', async () => {
  const { metafile } = await build({
    absWorkingDir: workspaceRoot,
    entryPoints: [
      'scripts/package-image.ts',
      'packages/cli/src/main.ts',
      'functions/build.ts',
      'functions/src/index.ts',
    ],
    outdir: join(dirname(app), 'unwritten'),
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    metafile: true,
    external: ['esbuild', 'libsql', 'pg-native', 'vite', 'wrangler', 'cloudflare:*'],
    logLevel: 'silent',
  })
  const sources = Object.keys(metafile.inputs).filter((path) => !path.includes('node_modules/'))
  expect(sources.length).toBeGreaterThan(300)
  expect(sources.filter((path) => !isInContext(path))).toEqual([])
  for (const other of [
    '.env',
    '.git/config',
    'test/workspace.ts',
    'packages/api/src/a.test.ts',
    'functions/dist/index.js',
  ]) {
    expect(isInContext(other), other).toBe(false)
  }
})

test('the image has the bundled command, its files and one package, for one kind of machine', () => {
  expect(readdirSync(app).toSorted()).toEqual([
    'LICENSE',
    'THIRD_PARTY_LICENSES.txt',
    'bin',
    'dist',
    'functions',
    'node_modules',
    'package.json',
    'packages',
  ])
  const files = filesIn(app).filter((entry) => entry.isFile())
  expect(files.filter(({ name }) => name.endsWith('.node'))).toHaveLength(1)
  expect(files.filter(({ name }) => /(?<!\.d)\.ts$|\.map$|\.test\./.test(name))).toEqual([])
  const bytes = files.reduce((total, { parentPath, name }) => total + statSync(join(parentPath, name)).size, 0)
  // The workspace with its packages was 93 MB.
  expect(bytes).toBeLessThan(20e6)
})

test('everyone may read it and nobody but its owner may write it, whatever the umask of the checkout', () => {
  const modes = filesIn(app).map((entry) => statSync(join(entry.parentPath, entry.name)).mode & 0o777)
  expect(new Set(modes)).toEqual(new Set([0o755, 0o644]))
})

test("the image's user owns the folder of data, where nobody else reads", async () => {
  expect(instructions('WORKDIR').at(-1)).toBe('/data')
  expect(instructions('USER')).toEqual(['10001:10001'])
  const { uid, mode } = statSync(await dataFolder())
  expect(uid).toBe(imageUser.uid ?? process.getuid?.())
  expect((mode & 0o777).toString(8)).toBe('700')
})

test('serve migrates and answers in that folder as that user, and the health check fits it', async () => {
  const data = await dataFolder()
  const env = { ...newServiceSecrets(), BACKUP_TO: `file://${data}/backups` }
  const { child, said, ended } = start(['serve', '--migrate', '--port', '0', '--json'], data, env)
  await vi.waitFor(() => expect(said.out, said.all).toContain('\n'), { timeout: 60_000, interval: 50 })
  const { url } = JSON.parse(said.out) as { url: string }
  for (const name of ['workflows.db', 'backups']) expect(existsSync(join(data, name)), name).toBe(true)
  for (const path of ['/readyz', '/openapi.json', '/docs', '/console']) {
    expect((await fetch(`${url}${path}`)).status, path).toBe(200)
  }
  const check = healthCheck(Number(new URL(url).port))
  expect(await exitOf(process.execPath, check)).toBe(0)
  child.kill('SIGTERM')
  expect(await ended).toBe(143)
  expect(await exitOf(process.execPath, check)).toBe(1)
})

test('the gateway, which it runs unless told otherwise, answers who has the token', async () => {
  const data = await dataFolder()
  const port = await claimablePort('127.0.0.1', 0, '--port')
  const command = JSON.parse(instructions('CMD').at(-1) ?? '[]') as string[]
  const args = command.map((arg) => (arg === '8789' ? String(port) : arg))
  const token = 'a-token-of-more-than-thirty-two-characters'
  const tokenFile = join(data, 'token')
  writeFileSync(tokenFile, `${token}\n`, { mode: 0o644 })
  const { child, said, ended } = start([...args, '--token-file', tokenFile], data)
  await vi.waitFor(async () => expect(await exitOf(process.execPath, healthCheck(port)), said.all).toBe(0), {
    timeout: 30_000,
    interval: 100,
  })
  const status = async (given: string) => {
    const headers = { 'X-Millrace-Gateway-Token': given }
    return (await fetch(`http://127.0.0.1:${port}/status`, { headers })).status
  }
  expect(await status('another')).toBe(401)
  expect(await status(token)).toBe(200)
  child.kill('SIGTERM')
  expect(await ended).toBe(143)
})

test('other commands work in it, but those that need wrangler, which say so', async () => {
  const data = await dataFolder()
  const steps = [
    { args: ['migrate'] },
    { args: ['user', 'add', 'ada', '--email', 'ada@example.com'], input: 'correct horse\n' },
    { args: ['backup', '--out', 'a.millrace'] },
    { args: ['verify', 'a.millrace'] },
    { args: ['drill', 'a.millrace'] },
    { args: ['doctor', '--dev'] },
  ]
  for (const { args, input } of steps) {
    const { said, ended } = start(args, data, {}, input)
    expect(await ended, `${args.join(' ')}: ${said.all}`).toBe(0)
  }
  const before = readdirSync(data)
  for (const args of [['dev'], ['deploy', '--dry-run'], ['migrate', '--database', 'd1://DB']]) {
    const { said, ended } = start([...args, '--json'], data)
    expect(await ended, `${args.join(' ')}: ${said.all}`).toBe(2)
    expect(JSON.parse(said.out)).toMatchObject({
      error: { code: 'settings_invalid', what: expect.stringContaining('wrangler') },
    })
  }
  expect(readdirSync(data)).toEqual(before)
})
