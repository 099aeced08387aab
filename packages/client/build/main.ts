/**
 * Builds the package that is published: JavaScript in one file, its types in another, both in `dist`. The sources are
 * staged beside it with the API's types written out, since the API's own package is not published.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'tsdown'
import { writeApiTypes } from './api-types.ts'

const folder = join(import.meta.dirname, '..')
const staged = join(folder, 'staged')

stageSources()
await build({
  cwd: folder,
  entry: [join(staged, 'index.ts')],
  tsconfig: join(staged, 'tsconfig.json'),
  outDir: join(folder, 'dist'),
  platform: 'neutral',
  target: 'es2022',
  dts: true,
  config: false,
  logLevel: 'error',
})
rmSync(staged, { recursive: true })

function stageSources(): void {
  rmSync(staged, { recursive: true, force: true })
  mkdirSync(staged)
  const sources = globSync('**/*.ts', { cwd: join(folder, 'src') })
  for (const source of sources.filter((name) => !name.endsWith('.test.ts') && !name.startsWith('testing'))) {
    const target = join(staged, source)
    const depth = source.split('/').length - 1
    const apiTypes = `${depth === 0 ? './' : '../'.repeat(depth)}api-types.ts`
    const text = readFileSync(join(folder, 'src', source), 'utf8')
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, text.replaceAll(/'@millrace\/api\/[^']+'/g, `'${apiTypes}'`))
  }
  writeFileSync(join(staged, 'api-types.ts'), writeApiTypes(join(folder, '../api/src/app-type.ts')))
  writeFileSync(
    join(staged, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../../tsconfig.base.json',
      compilerOptions: { composite: false, declaration: true, types: ['@cloudflare/workers-types'] },
      include: ['**/*.ts'],
    }),
  )
}
