import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-install-'))
  mkdirSync(join(root, 'scripts'))
  copyFileSync(join(import.meta.dirname, 'install.js'), join(root, 'scripts/install.js'))
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

test('dev installs without the tools of the tests, everything else with them', () => {
  expect(installed(['--prod'])).toEqual({ pnpm: 'install --prod --loglevel=warn', status: 0 })
  expect(installed([])).toEqual({ pnpm: 'install --loglevel=warn', status: 0 })
})

test('dev removes no tools that are there', () => {
  putModules({ devDependencies: true })
  expect(installed(['--prod']).pnpm).toBe('install --loglevel=warn')
  putModules({ devDependencies: false })
  expect(installed(['--prod']).pnpm).toBe('install --prod --loglevel=warn')
})

test('an install that fails ends the script', () => {
  expect(installed(['--prod'], 7).status).toBe(7)
})

test('the programs that dev runs are dependencies, since nothing else is installed for it', () => {
  const text = readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')
  expect(JSON.parse(text)).toMatchObject({
    dependencies: { '@millrace/cli': 'workspace:*', '@millrace/functions': 'workspace:*' },
    scripts: { dev: 'node scripts/install.js --prod && millrace dev' },
  })
  const functions = readFileSync(join(import.meta.dirname, '../functions/package.json'), 'utf8')
  expect(JSON.parse(functions)).toMatchObject({
    dependencies: { '@millrace/console': 'workspace:*', esbuild: 'catalog:', vite: 'catalog:' },
  })
})

test('no script goes on with the Node that it began with, which may be too old', () => {
  const manifest: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'))
  expect(manifest).toHaveProperty('scripts')
  const scripts = Object.values((manifest as { scripts: Record<string, string> }).scripts)
  expect(scripts.length).toBeGreaterThan(10)
  // A shell remembers where it has found `node`, and would not see the one that was installed meanwhile; `env` looks again.
  expect(scripts.filter((script) => !/^node scripts\/install\.js(?: --prod)? && (?!node )/.test(script))).toEqual([])
})

function putModules(included: object): void {
  mkdirSync(join(root, 'node_modules'), { recursive: true })
  writeFileSync(join(root, 'node_modules/.modules.yaml'), JSON.stringify({ included }, null, 2))
}

/** Runs it with a pnpm that notes its arguments. */
function installed(args: readonly string[], exitCode = 0): { pnpm: string; status: number | null } {
  const pnpm = join(root, 'pnpm')
  writeFileSync(pnpm, `#!/bin/sh\necho "$@" > ${join(root, 'called')}\nexit ${exitCode}\n`)
  chmodSync(pnpm, 0o755)
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/install.js'), ...args], {
    env: { ...process.env, npm_execpath: pnpm },
  })
  return { pnpm: readFileSync(join(root, 'called'), 'utf8').trim(), status }
}
