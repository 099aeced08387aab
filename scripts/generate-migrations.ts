/**
 * Writes the next migration of every dialect from the schema: `pnpm migrations NAME`. A migration has one number and
 * name on all dialects; add the name to packages/db/src/schema/known-migrations.ts.
 */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const name = process.argv[2]
if (name === undefined || !/^[a-z][a-z0-9_]*$/.test(name)) {
  process.stderr.write('usage: pnpm migrations NAME   (lower case, digits and _, for example add_tags)\n')
  process.exit(2)
}

const root = dirname(import.meta.dirname)
const drizzleKit = join(dirname(createRequire(import.meta.url).resolve('drizzle-kit')), 'bin.cjs')

for (const dialect of ['sqlite', 'postgres', 'mysql']) {
  const { status } = spawnSync(
    process.execPath,
    [drizzleKit, 'generate', '--config', `packages/db/drizzle/${dialect}.config.ts`, '--name', name],
    { cwd: root, stdio: 'inherit' },
  )
  if (status !== 0) process.exit(1)
}
