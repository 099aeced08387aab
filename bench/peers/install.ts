import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { workspaceRoot } from '../../test/workspace.ts'

/** Measured beside Millrace, and no dependency of it: installed into a folder that git ignores. */
const peers = {
  'graphile-worker': '0.18.0',
  'pg-boss': '12.38.0',
  '@dbos-inc/dbos-sdk': '5.3.0',
  openworkflow: '0.10.1',
  // OpenWorkflow's driver.
  postgres: '3.4.9',
} as const
export type Peer = keyof typeof peers

const folder = join(workspaceRoot, '.cache/bench-peers')

/** A peer's module, from the registry on first use. What it exports its caller says. */
export async function importPeer<Module>(name: Peer, path = ''): Promise<Module> {
  if (!Object.keys(peers).every((peer) => existsSync(join(folder, 'node_modules', peer)))) {
    install(folder, { dependencies: peers, flags: ['--ignore-scripts'] })
  }
  const resolved = createRequire(join(folder, 'package.json')).resolve(`${name}${path}`)
  return (await import(pathToFileURL(resolved).href)) as Module
}

export function versionOf(name: Peer): string {
  return peers[name]
}

interface Wanted {
  readonly dependencies: Readonly<Record<string, string>>
  readonly overrides?: Readonly<Record<string, string>>
  readonly flags: readonly string[]
}

/** Into a folder of its own, by npm. What is built for Node is built for this one, with the headers beside it. */
export function install(into: string, { dependencies, overrides = {}, flags }: Wanted): void {
  mkdirSync(into, { recursive: true })
  writeFileSync(join(into, 'package.json'), `${JSON.stringify({ private: true, dependencies, overrides })}\n`)
  execFileSync('npm', ['install', '--no-audit', '--no-fund', ...flags], {
    cwd: into,
    env: { ...process.env, ...builtForThisNode() },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

function builtForThisNode(): Readonly<Record<string, string>> {
  const programs = dirname(process.execPath)
  const PATH = [programs, process.env['PATH']].join(delimiter)
  const nodedir = dirname(programs)
  return existsSync(join(nodedir, 'include/node')) ? { PATH, npm_config_nodedir: nodedir } : { PATH }
}
