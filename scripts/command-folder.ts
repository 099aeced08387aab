import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRecord, parseMembers } from '@millrace/cli/json'
import type { Metafile } from 'esbuild'
import { bundleCommand } from './bundle-command.ts'

const root = join(import.meta.dirname, '..')

/** Copies a file or a folder of the workspace to the same place in another folder. */
export type CopyInto = (from: string, to?: string) => void

/**
 * Fills a folder with what every command but `dev` and `deploy` runs on, wherever it is installed: the command bundled to
 * JavaScript in `dist`, what starts it in `bin`, and what it finds at run time in the same place as in the workspace.
 * @param installedBeside packages that are not bundled, since whoever makes the folder has them installed beside it
 */
export async function fillCommandFolder(folder: string, installedBeside: readonly string[]): Promise<CopyInto> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await import('../functions/build.js')
  const bundled = await bundleCommand(join(folder, 'dist'), installedBeside)
  const copy: CopyInto = (from, to = from) => cpSync(join(root, from), join(folder, to), { recursive: true })
  copy('packages/cli/package/millrace.js', 'bin/millrace.js')
  for (const name of ['LICENSE', 'functions/assets']) copy(name)
  for (const dialect of ['sqlite', 'postgres', 'mysql']) {
    copy(`packages/db/src/migrations/${dialect}`)
    // Of what generates migrations.
    rmSync(join(folder, `packages/db/src/migrations/${dialect}/meta`), { recursive: true, force: true })
  }
  writeFileSync(join(folder, 'THIRD_PARTY_LICENSES.txt'), licensesOf(bundled))
  return copy
}

/** The version of the command, which its manifest says wherever it is installed. */
export function commandVersion(): unknown {
  return readManifest(join(root, 'packages/cli/package.json'))['version']
}

export function writeManifest(folder: string, manifest: object): void {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
}

export function readManifest(path: string): Readonly<Record<string, unknown>> {
  return parseMembers(readFileSync(path, 'utf8'))
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
