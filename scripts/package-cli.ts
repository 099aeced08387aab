/**
 * Makes the package `millrace` that `npx millrace` runs, as a folder that `npm pack` and `npm publish` take:
 * `node scripts/package-cli.ts [FOLDER]`, `.package/millrace` when absent. The command is bundled to JavaScript; what it
 * finds at run time has the same place in the package as in the workspace.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isRecord, parseMembers } from '@millrace/cli/json'
import type { Metafile } from 'esbuild'
import { bundleCommand } from './bundle-command.ts'

const root = join(import.meta.dirname, '..')
const folder = resolve(process.argv[2] ?? join(root, '.package/millrace'))

/** Installed beside the package: programs and native code. Everything else is bundled. */
const dependencies = ['libsql', 'mysql2', 'pg', 'wrangler', 'ws'] as const

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
await import('../functions/build.js')
const bundled = await bundleCommand(join(folder, 'dist'), dependencies)
copyFiles()
writeFileSync(join(folder, 'THIRD_PARTY_LICENSES.txt'), licensesOf(bundled))
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest(), undefined, 2)}\n`)
process.stdout.write(`${folder}\n`)

function copyFiles(): void {
  const copy = (from: string, to = from) => cpSync(join(root, from), join(folder, to), { recursive: true })
  copy('packages/cli/package/millrace.js', 'bin/millrace.js')
  copy('packages/cli/package/README.md', 'README.md')
  for (const name of ['LICENSE', '.env.example', 'functions/dist', 'functions/assets']) copy(name)
  for (const dialect of ['sqlite', 'postgres', 'mysql']) copy(`packages/db/src/migrations/${dialect}`)
  for (const dialect of ['sqlite', 'postgres', 'mysql']) {
    rmSync(join(folder, `packages/db/src/migrations/${dialect}/meta`), { recursive: true, force: true })
  }
  cpSync(join(root, 'docs'), join(folder, 'docs'), {
    recursive: true,
    // Pages link to pictures and decisions, which are in the repository; as files they would be most of the package.
    filter: (source) => !['docs/adr', 'docs/images'].some((left) => source.startsWith(join(root, left))),
  })
  writeFileSync(join(folder, 'wrangler.toml'), withoutBuild(readFileSync(join(root, 'wrangler.toml'), 'utf8')))
}

/** The package holds what the build makes. */
function withoutBuild(configuration: string): string {
  const without = configuration.replace(/(?:^#[^\n]*\n)*^\[build\]\n(?:^(?!\[)[^\n]+\n)*\n?/m, '')
  if (without === configuration) throw new Error('wrangler.toml has no [build] to leave out')
  return without
}

function manifest(): object {
  const { version } = readManifest(join(root, 'packages/cli/package.json'))
  return {
    name: 'millrace',
    version,
    description: 'The storage of a workflow engine, as serverless functions on any SQL database.',
    keywords: ['workflow', 'workflow-engine', 'serverless', 'cloudflare-workers', 'sqlite', 'postgresql', 'mysql'],
    license: 'Apache-2.0',
    type: 'module',
    bin: { millrace: 'bin/millrace.js' },
    exports: { './package.json': './package.json' },
    files: [
      'bin',
      'dist',
      'docs',
      'functions',
      'packages',
      'wrangler.toml',
      '.env.example',
      'THIRD_PARTY_LICENSES.txt',
    ],
    // With one below 22 it goes on with one that npm brings.
    engines: { node: '>=20' },
    dependencies: Object.fromEntries(dependencies.map((name) => [name, installedVersion(name)])),
  }
}

function readManifest(path: string): Readonly<Record<string, unknown>> {
  return parseMembers(readFileSync(path, 'utf8'))
}

/** Exactly what the tests ran with. */
function installedVersion(name: string): string {
  const catalog = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8')
  const version = new RegExp(`^ {2}'?${name}'?: (\\d\\S*)$`, 'm').exec(catalog)?.[1]
  if (version === undefined) throw new Error(`the catalog of pnpm-workspace.yaml has no exact version of ${name}`)
  return version
}

/** The licences of the packages whose code is in the bundle. */
function licensesOf({ inputs }: Metafile): string {
  const folders = new Set(
    Object.keys(inputs).flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []),
  )
  const texts = [...folders].toSorted().map((path) => {
    const { name, version, license } = readManifest(join(root, path, 'package.json'))
    return `${String(name)} ${String(version)} (${licenseName(license)})\n\n${licenseText(join(root, path))}`
  })
  return [...new Set(texts)].join(`\n${'-'.repeat(80)}\n\n`)
}

function licenseName(license: unknown): string {
  return isRecord(license) ? String(license['type']) : String(license)
}

function licenseText(path: string): string {
  for (const name of ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE', 'license', 'LICENSE-MIT']) {
    try {
      return readFileSync(join(path, name), 'utf8')
    } catch {
      // It has another name, or stands in package.json alone.
    }
  }
  return '(The package has no file with the text.)\n'
}
