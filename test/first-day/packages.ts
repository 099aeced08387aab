import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { packPackage } from '../packages/pack.ts'
import { workspaceRoot } from '../workspace.ts'
import type { Home } from './home.ts'

/** Packs both packages into the home, as a registry would have them. */
export function putTarballs({ folder, own }: Home): void {
  run('scripts/package-cli.ts', join(folder, 'tmp/millrace'))
  execFileSync('npm', ['pack', '--silent', join(folder, 'tmp/millrace')], { cwd: folder, stdio: 'ignore' })
  run('packages/client/build/main.ts')
  packPackage('packages/client', folder)
  own()
}

/**
 * The package `millrace` as an installation leaves it, with the workspace's own copies of what it depends on, and the
 * workspace's client: what the short form has in place of an installation.
 */
export function linkPackages({ folder, own }: Home): void {
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, '.bin'), { recursive: true })
  run('scripts/package-cli.ts', join(modules, 'millrace'))
  symlinkSync('../millrace/bin/millrace.js', join(modules, '.bin/millrace'))
  for (const [name, holder] of Object.entries(dependencies))
    symlinkSync(realpathSync(join(workspaceRoot, 'packages', holder, 'node_modules', name)), join(modules, name))
  mkdirSync(join(folder, 'product/node_modules/@millrace'), { recursive: true })
  symlinkSync(join(workspaceRoot, 'packages/client'), join(folder, 'product/node_modules/@millrace/client'))
  symlinkSync(realpathSync(join(workspaceRoot, 'node_modules/esbuild')), join(folder, 'product/node_modules/esbuild'))
  mkdirSync(join(folder, 'product/node_modules/.bin'))
  symlinkSync('../esbuild/bin/esbuild', join(folder, 'product/node_modules/.bin/esbuild'))
  own()
}

/** What the package depends on, with a package of the workspace that has it too. */
const dependencies = { libsql: 'drivers', mysql2: 'drivers', pg: 'drivers', wrangler: 'cli', ws: 'gateway' } as const

/** The example of a product, and a workflow's file, as one copies them out of the repository. */
export function putExamples({ folder, own }: Home): void {
  const skipped = ['node_modules', 'tsconfig.json', 'dist', '.gitignore']
  cpSync(join(workspaceRoot, 'examples/product'), join(folder, 'product'), {
    recursive: true,
    filter: (source) => !skipped.some((name) => source.endsWith(`/${name}`)),
  })
  cpSync(join(workspaceRoot, 'examples/worker/flows'), join(folder, 'flows'), { recursive: true })
  own()
}

/** The repository's files at its last commit, as a clone has them. */
export function putClone({ folder, own }: Home): void {
  mkdirSync(join(folder, 'clone'))
  execFileSync('bash', ['-c', `git archive HEAD | tar -x -C "${join(folder, 'clone')}"`], { cwd: workspaceRoot })
  own()
}

export function tarballOf({ folder }: Home, name: string): string {
  const found = readdirSync(folder).find((file) => file.startsWith(`${name}-`) && file.endsWith('.tgz'))
  if (found === undefined) throw new Error(`there is no tarball of ${name}`)
  return found
}

function run(script: string, ...args: readonly string[]): void {
  execFileSync(process.execPath, [join(workspaceRoot, script), ...args], { cwd: workspaceRoot, stdio: 'ignore' })
}
