import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { documentOf, emptyDirectory, start } from '../cli/millrace.ts'
import { workspaceRoot } from '../workspace.ts'

/** The package `millrace` as a stranger has it: packed, and installed into an empty folder. */

const run = promisify(execFile)
const installMilliseconds = 300_000
vi.setConfig({ testTimeout: 120_000, hookTimeout: installMilliseconds })

let home: string
let packed: string
let bin: string

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'millrace-package-'))
  packed = join(home, 'package')
  const node = join(workspaceRoot, 'node_modules/.bin/node')
  await run(node, [join(workspaceRoot, 'scripts/package-cli.ts'), packed], { maxBuffer: 10_000_000 })
  await run('npm', ['pack', packed], { cwd: home })
  const app = join(home, 'app')
  mkdirSync(app)
  const [tarball = ''] = readdirSync(home).filter((name) => name.endsWith('.tgz'))
  // Only what wrangler cannot do without may run a script of its own.
  writeFileSync(join(app, 'package.json'), '{"private":true}\n')
  const builds = ['workerd', 'esbuild', 'sharp'].map((name) => `--allow-build=${name}`)
  await run('npx', ['-y', 'pnpm@12', 'add', join(home, tarball), '--prefer-offline', ...builds], { cwd: app })
  bin = join(app, 'node_modules/.bin/millrace')
})
afterAll(() => {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
})

function installed(cwd: string, args: readonly string[], input = '') {
  return start(bin, args, { cwd, input })
}

test('publint has nothing to say', async () => {
  const { messages, pkg } = await publint({ pkgDir: packed, strict: true })
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
})

test('it names no package of the workspace, and what it names has an exact version', () => {
  const manifest = readFileSync(join(packed, 'package.json'), 'utf8')
  expect(manifest).not.toContain('@millrace/')
  expect(manifest).not.toMatch(/workspace:|catalog:|file:/)
  const { dependencies } = JSON.parse(manifest) as { dependencies: Record<string, string> }
  expect(Object.values(dependencies).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
})

test('its help and version answer, and a file of every page that errors name is in it', async () => {
  const cwd = emptyDirectory()
  const help = await installed(cwd, ['--help']).ended
  expect(help).toMatchObject({ exitCode: 0, stderr: '' })
  expect(help.stdout).toContain('Usage: millrace')
  for (const page of ['backups', 'command-line', 'databases', 'migrations', 'troubleshooting']) {
    expect(existsSync(join(packed, `docs/${page}.md`)), page).toBe(true)
  }
})

test('it migrates, adds a user, imports, backs up, verifies and drills in an empty folder', async () => {
  const cwd = emptyDirectory()
  writeFileSync(join(cwd, 'flow.json'), '{ "n": 1.0 }')
  const steps = [
    { args: ['migrate'] },
    { args: ['user', 'add', 'ada', '--email', 'ada@example.com'], input: 'correct horse\n' },
    { args: ['import', 'flow.json', '--owner', 'ada'] },
    { args: ['backup', '--out', 'a.millrace'] },
    { args: ['verify', 'a.millrace'] },
    { args: ['drill', 'a.millrace'] },
    { args: ['export', 'out'] },
    { args: ['doctor', '--dev'] },
  ]
  for (const { args, input } of steps) {
    const ended = await installed(cwd, [...args, '--json'], input).ended
    expect(ended, args.join(' ')).toMatchObject({ exitCode: 0 })
    expect(documentOf(ended)).toBeTypeOf('object')
  }
  expect(readFileSync(join(cwd, 'out/flow.json'), 'utf8')).toBe('{ "n": 1.0 }')
})

test('dev serves the API and its page from an empty folder, and writes nothing into the package', async () => {
  const cwd = emptyDirectory()
  const before = readdirSync(join(home, 'app/node_modules/millrace'))
  const dev = installed(cwd, ['dev', '--port', '0', '--json'])
  await vi.waitFor(
    () => {
      if (dev.process.exitCode !== null) throw new Error(`dev ended: ${dev.stdout()}${dev.stderr()}`)
      expect(dev.stdout()).toContain('\n')
    },
    { timeout: 90_000, interval: 100 },
  )
  const { url } = documentOf({ stdout: dev.stdout() }) as { url: string }
  expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ status: 'ready', dialect: 'sqlite' })
  expect((await fetch(`${url}/docs`)).status).toBe(200)
  expect((await fetch(`${url}/openapi.json`)).status).toBe(200)
  dev.process.kill('SIGTERM')
  expect(await dev.ended).toMatchObject({ exitCode: 143 })
  expect(readdirSync(join(home, 'app/node_modules/millrace'))).toEqual(before)
  expect(readdirSync(cwd).filter((name) => !name.startsWith('workflows.db'))).toEqual(['.millrace'])
})
