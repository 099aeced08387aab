/**
 * Makes the package `millrace` that `npx millrace` runs, as a folder that `npm pack` and `npm publish` take:
 * `node scripts/package-cli.ts [FOLDER]`, `.package/millrace` when absent. The command is bundled to JavaScript; what it
 * finds at run time has the same place in the package as in the workspace.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { commandVersion, fillCommandFolder, writeManifest } from './command-folder.ts'

const root = join(import.meta.dirname, '..')
const folder = resolve(process.argv[2] ?? join(root, '.package/millrace'))

/** Installed beside the package: programs and native code. Everything else is bundled. */
const dependencies = ['libsql', 'mysql2', 'pg', 'wrangler', 'ws'] as const

const copy = await fillCommandFolder(folder, dependencies)
copy('packages/cli/package/README.md', 'README.md')
for (const name of ['.env.example', 'functions/dist']) copy(name)
cpSync(join(root, 'docs'), join(folder, 'docs'), {
  recursive: true,
  // Pages link to pictures and decisions, which are in the repository; as files they would be most of the package.
  filter: (source) => !['docs/adr', 'docs/images'].some((left) => source.startsWith(join(root, left))),
})
writeFileSync(join(folder, 'wrangler.toml'), withoutBuild(readFileSync(join(root, 'wrangler.toml'), 'utf8')))
writeManifest(folder, manifest())
process.stdout.write(`${folder}\n`)

/** The package holds what the build makes. */
function withoutBuild(configuration: string): string {
  const without = configuration.replace(/(?:^#[^\n]*\n)*^\[build\]\n(?:^(?!\[)[^\n]+\n)*\n?/m, '')
  if (without === configuration) throw new Error('wrangler.toml has no [build] to leave out')
  return without
}

function manifest(): object {
  return {
    name: 'millrace',
    version: commandVersion(),
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

/** Exactly what the tests ran with. */
function installedVersion(name: string): string {
  const catalog = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8')
  const version = new RegExp(`^ {2}'?${name}'?: (\\d\\S*)$`, 'm').exec(catalog)?.[1]
  if (version === undefined) throw new Error(`the catalog of pnpm-workspace.yaml has no exact version of ${name}`)
  return version
}
