import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Lifetime } from '../lifetime.ts'

/**
 * Begins the build of the functions while the database is made ready: wrangler asks for it seconds later, and then waits
 * for this one. What it fails with, wrangler's own run says. An installed package has nothing to build.
 */
export function beginBuild(workspace: string, lifetime: Pick<Lifetime, 'defer'>): void {
  if (!existsSync(join(workspace, 'functions/src'))) return
  const build = spawn(process.execPath, [join(workspace, 'functions/build.js'), '--dev'], {
    cwd: workspace,
    stdio: 'ignore',
  })
  build.once('error', () => undefined)
  lifetime.defer(async () => void build.kill('SIGKILL'))
}
