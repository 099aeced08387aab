import { join } from 'node:path'
import { build, type Metafile } from 'esbuild'

const root = join(import.meta.dirname, '..')

/**
 * Bundles the command to JavaScript: `main.js` and what it loads, in a folder.
 * @param external packages that are installed beside it, as native code and programs must be
 */
export async function bundleCommand(folder: string, external: readonly string[]): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { main: 'packages/cli/src/main.ts', guard: 'packages/cli/src/dev/guard.ts' },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minifySyntax: true,
    minifyWhitespace: true,
    metafile: true,
    external: [...external, 'pg-native', 'esbuild'],
    // What is bundled of CommonJS requires Node's own modules.
    banner: {
      js: "import { createRequire as createBundledRequire } from 'node:module'; const require = createBundledRequire(import.meta.url);",
    },
    logLevel: 'warning',
  })
  return metafile
}
