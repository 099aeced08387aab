/**
 * Makes the folder that the container image runs (deploy/Dockerfile): `node scripts/package-image.ts FOLDER`. The command is
 * bundled as the tests run it, with the one package that has native code beside it, as the lock file has it installed here.
 */
import { cpSync, existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { isRecord } from '@millrace/cli/json'
import { commandVersion, fillCommandFolder, readManifest, writeManifest } from './command-folder.ts'

const root = join(import.meta.dirname, '..')
const [, , target] = process.argv
if (target === undefined) throw new Error('usage: node scripts/package-image.ts FOLDER')
const folder = resolve(target)

// `dev`, `deploy` and a local D1 need wrangler, which is nine tenths of what the command could have installed beside it.
await fillCommandFolder(folder, ['libsql', 'wrangler'])
copyInstalled('libsql', join(root, 'packages/drivers'))
// Throws where no native code was installed for this system and processor.
createRequire(join(folder, 'dist/main.js'))('libsql')
writeManifest(folder, {
  name: 'millrace',
  version: commandVersion(),
  private: true,
  license: 'Apache-2.0',
  type: 'module',
})
process.stdout.write(`${folder}\n`)

/** Copies an installed package and what it needs to the folder's node_modules, each once and beside the others. */
function copyInstalled(name: string, dependent: string): void {
  const installed = findInstalled(name, dependent)
  if (installed === undefined) throw new Error(`${name}, which ${dependent} needs, is not installed`)
  const copied = join(folder, 'node_modules', name)
  const manifest = readManifest(join(installed, 'package.json'))
  if (existsSync(copied)) {
    const { version } = readManifest(join(copied, 'package.json'))
    if (version === manifest['version']) return
    throw new Error(`${name} is needed in two versions, ${String(version)} and ${String(manifest['version'])}`)
  }
  cpSync(installed, copied, { recursive: true })
  for (const each of namesIn(manifest['dependencies'])) copyInstalled(each, installed)
  // Native code: that of this system and processor is installed.
  for (const each of namesIn(manifest['optionalDependencies'])) {
    if (findInstalled(each, installed) !== undefined) copyInstalled(each, installed)
  }
}

function namesIn(dependencies: unknown): readonly string[] {
  return isRecord(dependencies) ? Object.keys(dependencies) : []
}

function findInstalled(name: string, dependent: string): string | undefined {
  const folders = createRequire(join(dependent, 'package.json')).resolve.paths(name) ?? []
  const found = folders.map((each) => join(each, name)).find((each) => existsSync(join(each, 'package.json')))
  return found === undefined ? undefined : realpathSync(found)
}
