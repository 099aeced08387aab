import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
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
  if (!Object.keys(peers).every((peer) => existsSync(join(folder, 'node_modules', peer)))) install()
  const resolved = createRequire(join(folder, 'package.json')).resolve(`${name}${path}`)
  return (await import(pathToFileURL(resolved).href)) as Module
}

export function versionOf(name: Peer): string {
  return peers[name]
}

function install(): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"private":true}\n')
  const wanted = Object.entries(peers).map(([name, version]) => `${name}@${version}`)
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--save-exact', ...wanted], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}
